#include "engine/exec/sampler/logprobs.h"

#include <cmath>

#include "engine/exec/sampler/row_ops.h"

namespace nacelle::engine {

RowLogprobs::RowLogprobs(std::span<const float> row, float max)
    : row_(row), log_sum_(max + std::log(row_ops().sum_exp(row.data(), row.size(), max, 1.0f))) {}

PositionLogprobs RowLogprobs::of_position(TokenId token, std::int32_t k, Selector& selector) const {
  PositionLogprobs position;
  const float logit = row_[static_cast<std::size_t>(token)];
  const std::uint32_t larger = row_ops().count_greater(row_.data(), row_.size(), logit);
  position.tokens.push_back({token, of(logit), 1 + larger});
  if (k <= 0) return position;

  std::vector<Candidate> top;
  selector.largest(row_, static_cast<std::size_t>(k), top);
  position.tokens.reserve(1 + top.size());
  std::uint32_t rank = 1;
  for (std::size_t i = 0; i < top.size(); ++i) {
    if (i > 0 && top[i].value != top[i - 1].value) rank = static_cast<std::uint32_t>(i) + 1;
    position.tokens.push_back({static_cast<TokenId>(top[i].token), of(top[i].value), rank});
  }
  return position;
}

}  // namespace nacelle::engine
