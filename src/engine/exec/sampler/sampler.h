// sampler.h: picks a sequence's next token from its row of logits.
//
// Order: raw logprobs, processors (processors.h), then greedy, or temperature, min_p, top_k, top_p
// and a draw. A row is looked at alone: the batch has no influence. Sampling is argmax(p_i / e_i)
// with e_i ~ Exp(1) a function of (seed, output position, token), which needs no state and no sum.
//
// Home:    one thread; the object keeps its buffers.
// Errors:  data_loss when the model's logits contain NaN or +inf; failed_precondition when the
//          request's masks leave no token, or its penalties leave the range of a float.
// Source:  engine.md sections 13, 14 and 16.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/exec/sampler/row_ops.h"
#include "engine/exec/sampler/sampling_state.h"
#include "engine/exec/sampler/selection.h"
#include "engine/output.h"

namespace nacelle::engine {

struct SampledToken {
  TokenId token = 0;
  std::optional<PositionLogprobs> logprobs;  // when params.logprobs >= 0
};

class Sampler {
 public:
  // Keeps room for rows of `vocab_size`, so that sampling allocates nothing (but for logprobs,
  // which the result owns). 0 = grow when needed.
  explicit Sampler(std::size_t vocab_size = 0) { reserve(vocab_size); }

  // May change `logits`.
  [[nodiscard]] Result<SampledToken> sample(std::span<float> logits,
                                            const SamplingPosition& position);

  // Logprobs of prompt token `token`, which the row should have predicted.
  [[nodiscard]] Result<PositionLogprobs> prompt_logprobs(std::span<const float> logits,
                                                         TokenId token, std::int32_t k);

 private:
  // How a row becomes weights: exp((logit - max) * scale), the largest weighs 1.
  struct Softmax {
    float max, scale;
  };

  void reserve(std::size_t vocab_size);
  TokenId draw(std::span<const float> logits, float max, const SamplingPosition& position);
  bool collect_candidates(std::span<const float> logits, Softmax softmax,
                          const SamplingParams& params);
  void collect_top_k(std::span<const float> logits, Softmax softmax, std::size_t k);
  TokenId draw_from_candidates(std::span<const float> logits, Softmax softmax, DrawKey key);

  Selector selector_;
  std::vector<float> processed_;       // a row after the processors
  std::vector<float> weights_;         // of a whole row
  std::vector<float> scratch_;         // of the processors
  std::vector<Candidate> candidates_;  // what min_p, top_k and top_p keep, by weight
};

}  // namespace nacelle::engine
