// stop_checker.h: whether the token just sampled ends its sequence.
//
// Stop strings are checked on text, by the server, which then aborts with FinishReason::kStop.
//
// Source:  engine.md section 15.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/output.h"
#include "engine/sampling_params.h"

namespace nacelle::engine {

struct StopVerdict {
  FinishReason finish = FinishReason::kNone;
  std::optional<TokenId> stop_token;  // the stop_token_ids hit
};

// `num_outputs` counts `token`; `num_tokens` counts it and the prompt.
[[nodiscard]] StopVerdict check_stop(const SamplingParams& params, TokenId eos_token, TokenId token,
                                     std::uint32_t num_outputs, std::uint32_t num_tokens,
                                     std::uint32_t max_model_len);

}  // namespace nacelle::engine
