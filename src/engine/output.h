// output.h: what the engine says about a sequence after a step: tokens out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/token.h"
#include "engine/request.h"
#include "engine/token_list.h"

namespace nacelle::engine {

enum class FinishReason { kNone, kStop, kLength, kAbort, kError };

struct TokenLogprob {
  TokenId token = 0;
  float logprob = 0;
  std::uint32_t rank = 0;  // 1 = the most likely
};

// Of one position. `tokens[0]` is the sampled (or prompt) token, then the most likely by value.
struct PositionLogprobs {
  std::vector<TokenLogprob> tokens;
};

// Times are of the engine's clock; those not reached yet are nullopt.
struct SequenceTimes {
  TimePoint arrival{};
  std::optional<TimePoint> first_scheduled, first_token, last_token;
};

struct SequenceOutput {
  SequenceId sequence;
  TokenList tokens;                        // new since the last output; often one
  std::vector<PositionLogprobs> logprobs;  // parallel to tokens when asked for, else empty
  // With the first output when asked for; element 0 has no tokens (nothing predicts the first).
  std::vector<PositionLogprobs> prompt_logprobs;
  std::uint32_t num_cached_tokens = 0;  // of the prompt, found in the prefix cache

  FinishReason finish = FinishReason::kNone;
  std::optional<TokenId> stop_token;  // the stop_token_ids hit; nullopt for the primary EOS
  Status error;                       // why, when finish is kError
  SequenceTimes times;
};

// Receives outputs of one request. Called on the engine loop: must not block; post elsewhere. An
// output that it throws at is lost.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void on_output(SequenceOutput output) = 0;
};

}  // namespace nacelle::engine
