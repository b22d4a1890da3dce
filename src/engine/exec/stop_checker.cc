#include "engine/exec/stop_checker.h"

#include <algorithm>

namespace nacelle::engine {

StopVerdict check_stop(const SamplingParams& params, TokenId eos_token, TokenId token,
                       std::uint32_t num_outputs, std::uint32_t num_tokens,
                       std::uint32_t max_model_len) {
  if (num_outputs >= params.min_tokens) {
    if (!params.ignore_eos && token == eos_token) return {FinishReason::kStop, std::nullopt};
    if (std::ranges::find(params.stop_token_ids, token) != params.stop_token_ids.end()) {
      return {FinishReason::kStop, token};
    }
  }
  // Lengths hold below min_tokens too: nothing else would end a sequence that cannot reach it.
  if (num_tokens >= max_model_len || num_outputs >= params.max_tokens) {
    return {FinishReason::kLength, std::nullopt};
  }
  return {};
}

}  // namespace nacelle::engine
