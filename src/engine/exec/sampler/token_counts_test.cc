#include "engine/exec/sampler/token_counts.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

TEST(TokenCounts, AgreesWithAMap) {
  testing::for_each_seed(100, [](testing::Random& random) {
    TokenCounts counts;
    if (testing::chance(random, 0.5)) counts.reserve(testing::pick(random, 0, 300));
    std::map<TokenId, std::uint32_t> expected;
    const std::uint32_t distinct = testing::pick(random, 1, 400);
    // Multiples of a power of two would collide under a hash that only keeps low bits.
    const TokenId stride = testing::chance(random, 0.5) ? 1 : 4096;
    for (int i = 0; i < 500; ++i) {
      const auto token = static_cast<TokenId>(testing::pick(random, 0, distinct)) * stride;
      if (testing::chance(random, 0.3)) {
        counts.add_prompt(token);
        (void)expected[token];
      } else {
        counts.add_output(token);
        ++expected[token];
      }
    }
    ASSERT_EQ(counts.entries().size(), expected.size());
    for (const TokenCounts::Entry& entry : counts.entries()) {
      ASSERT_EQ(entry.in_outputs, expected.at(entry.token));
    }
    for (const auto& [token, count] : expected) ASSERT_EQ(counts.in_outputs(token), count);
    ASSERT_EQ(counts.in_outputs(static_cast<TokenId>(distinct + 1) * stride), 0u);
  });
}

TEST(TokenCounts, NothingWasCountedYet) {
  EXPECT_EQ(TokenCounts().in_outputs(3), 0u);
  EXPECT_TRUE(TokenCounts().entries().empty());
}

}  // namespace
}  // namespace nacelle::engine
