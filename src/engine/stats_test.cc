#include "engine/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::engine {
namespace {

using ::testing::ElementsAre;

TEST(Histogram, ValueOnABoundBelongsToItsBucket) {
  static constexpr double kBounds[] = {1, 2};
  Histogram histogram{.bounds = kBounds};
  for (const double value : {0.5, 1.0, 1.5, 2.0, 3.0}) histogram.observe(value);
  EXPECT_THAT(histogram.counts, ElementsAre(2, 2, 1));
  EXPECT_DOUBLE_EQ(histogram.sum, 8);
}

TEST(Stats, TokenCountBoundsEndAtTheModelsLength) {
  const auto bounds = token_count_bounds(120);
  EXPECT_THAT(std::vector<double>(bounds.begin(), bounds.end()),
              ElementsAre(1, 2, 5, 10, 20, 50, 100));
  EXPECT_EQ(token_count_bounds(100).size(), 7u);
  EXPECT_EQ(token_count_bounds(99).size(), 6u);
}

TEST(Stats, HistogramsStartEmptyWithTheirBuckets) {
  const Stats stats = make_stats(1000);
  EXPECT_EQ(stats.time_to_first_token.counts.size(), 23u);
  EXPECT_EQ(stats.inter_token_latency.counts.size(), 20u);
  EXPECT_EQ(stats.e2e_latency.counts.size(), 22u);
  EXPECT_EQ(stats.iteration_tokens.counts.size(), 14u);
  EXPECT_EQ(stats.request_prompt_tokens.counts.size(), 11u);
}

}  // namespace
}  // namespace nacelle::engine
