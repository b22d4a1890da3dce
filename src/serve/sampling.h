// sampling.h: from what a client asked and what the operator and the model recommend to the values
// that the engine runs with.
//
// Home:    pure, but for encoding bad words; run on the work pool beside tokenising.
// Source:  engine.md sections 8, 13 and 14.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"
#include "openai/error.h"
#include "openai/sampling_fields.h"
#include "serve/server_config.h"

namespace nacelle::serve {

// Text to ids without special tokens.
using EncodeText = std::function<Result<std::vector<TokenId>>(std::string_view)>;

// `num_prompt_tokens` has passed check_lengths(). Errors: 400 for ids outside the vocabulary, for n
// > 1 with greedy sampling, and for bad words that cannot be encoded.
[[nodiscard]] openai::Parsed<engine::SamplingParams> resolve_sampling(
    const openai::SamplingFields& fields, std::optional<std::int64_t> logprobs,
    const ServerConfig& config, std::int64_t num_prompt_tokens, const EncodeText& encode);

// The same parameters for the i-th of n choices: a seeded request gives each its own seed.
[[nodiscard]] engine::SamplingParams params_of_choice(const engine::SamplingParams& params,
                                                      std::int64_t choice);

}  // namespace nacelle::serve
