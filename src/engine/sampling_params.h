// sampling_params.h: how one sequence picks its tokens and when it stops.
//
// Values are resolved and validated before they come here (defaults of the server and of
// generation_config.json filled in); the engine takes them as they are.
// Source: engine.md sections 13 to 15.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/token.h"

namespace nacelle::engine {

struct SamplingParams {
  float temperature = 1.0f;  // below 1e-5: greedy
  float top_p = 1.0f;        // (0, 1]
  std::int32_t top_k = 0;    // 0 = off
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  std::optional<std::int64_t> seed;

  std::uint32_t max_tokens = 16;
  std::uint32_t min_tokens = 0;
  bool ignore_eos = false;
  std::vector<TokenId>
      stop_token_ids;  // secondary EOS ids of generation_config.json are among them

  std::vector<std::pair<TokenId, float>> logit_bias;  // already clamped to [-100, 100]
  std::vector<TokenId> allowed_token_ids;             // empty = all
  std::vector<std::vector<TokenId>> bad_words;        // each as token ids, both spacings

  // -1 = off. 0 = the sampled token only. k = also the k most likely. kAllLogprobs = whole
  // vocabulary.
  std::int32_t logprobs = -1;
  std::int32_t prompt_logprobs = -1;

  static constexpr std::int32_t kAllLogprobs = INT32_MAX;

  [[nodiscard]] bool greedy() const { return temperature < 1e-5f; }
};

}  // namespace nacelle::engine
