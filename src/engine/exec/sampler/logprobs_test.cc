#include "engine/exec/sampler/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

TEST(Logprobs, AgreeWithTheDefinition) {
  testing::for_each_seed(50, [](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, 2000);
    std::vector<float> row(size);
    for (float& x : row) x = static_cast<float>(testing::pick(random, 0, 3000)) / 100.0f - 10;
    double sum = 0;
    for (const float x : row) sum += std::exp(static_cast<double>(x));
    const auto token =
        static_cast<TokenId>(testing::pick(random, 0, static_cast<std::uint32_t>(size) - 1));
    const auto k = static_cast<std::int32_t>(testing::pick(random, 0, 30));
    Selector selector;
    const RowLogprobs logprobs(row, *std::ranges::max_element(row));
    const PositionLogprobs position = logprobs.of_position(token, k, selector);

    ASSERT_EQ(position.tokens.size(), 1 + std::min<std::size_t>(static_cast<std::size_t>(k), size));
    EXPECT_EQ(position.tokens[0].token, token);
    for (std::size_t i = 0; i < position.tokens.size(); ++i) {
      const TokenLogprob& entry = position.tokens[i];
      const float logit = row[static_cast<std::size_t>(entry.token)];
      EXPECT_NEAR(entry.logprob, logit - std::log(sum), 3e-6);
      EXPECT_EQ(entry.rank, 1 + std::ranges::count_if(row, [&](float x) { return x > logit; }));
      if (i >= 2) {
        EXPECT_GE(position.tokens[i - 1].logprob, entry.logprob);
      }
    }
  });
}

TEST(Logprobs, WholeVocabularyIsSortedTiesByToken) {
  const std::vector<float> row = {1, 3, 1, 3};
  Selector selector;
  const PositionLogprobs position =
      RowLogprobs(row, 3).of_position(2, SamplingParams::kAllLogprobs, selector);
  std::vector<std::pair<TokenId, std::uint32_t>> order;
  for (const TokenLogprob& entry : position.tokens) order.emplace_back(entry.token, entry.rank);
  EXPECT_EQ(order, (std::vector<std::pair<TokenId, std::uint32_t>>{
                       {2, 3}, {1, 1}, {3, 1}, {0, 3}, {2, 3}}));
}

}  // namespace
}  // namespace nacelle::engine
