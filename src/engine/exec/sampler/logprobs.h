// logprobs.h: log probabilities of a row before any processing.
//
// Source:  engine.md section 16 (raw_logprobs).
#pragma once

#include <cstdint>
#include <span>

#include "engine/exec/sampler/selection.h"
#include "engine/output.h"

namespace nacelle::engine {

// log_softmax of a raw row, for one token and the most likely ones. The row must stay unchanged and
// contain no NaN or +inf.
class RowLogprobs {
 public:
  // `max` is the row's largest value.
  RowLogprobs(std::span<const float> row, float max);

  [[nodiscard]] float of(float logit) const {
    return static_cast<float>(static_cast<double>(logit) - log_sum_);
  }
  // The `token`, then the `k` most likely (SamplingParams::kAllLogprobs: all). Rank = 1 + number of
  // larger ones.
  [[nodiscard]] PositionLogprobs of_position(TokenId token, std::int32_t k,
                                             Selector& selector) const;

 private:
  std::span<const float> row_;
  double log_sum_;  // log of the sum of exp(logit)
};

}  // namespace nacelle::engine
