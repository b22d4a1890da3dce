#include "router/flow/core/usage_limit.h"

#include <string>

#include <gtest/gtest.h>

namespace nacelle::router::flow {
namespace {

BandRank rank(std::size_t rank, std::size_t count, int priority = 0, int highest = 0,
              int lowest = 0) {
  return {rank, count, priority, highest, lowest};
}

TEST(UsageLimit, CeilingsFollowTheirFormulas) {
  const UsageLimit fixed({.threshold = 0.9});
  EXPECT_DOUBLE_EQ(fixed.ceiling(rank(3, 5), 0.2), 0.9);

  UsageLimitConfig config{.kind = UsageLimitKind::kPriorityHoldback, .min_ceiling = 0.5};
  const UsageLimit by_rank(config);
  EXPECT_DOUBLE_EQ(by_rank.ceiling(rank(0, 3), 0), 1.0);
  EXPECT_DOUBLE_EQ(by_rank.ceiling(rank(1, 3), 0), 0.75);
  EXPECT_DOUBLE_EQ(by_rank.ceiling(rank(2, 3), 0), 0.5);
  EXPECT_DOUBLE_EQ(by_rank.ceiling(rank(0, 1), 0), 1.0);  // alone: nobody to hold back for

  config.domain = UsageLimitConfig::Domain::kValue;
  const UsageLimit by_value(config);
  EXPECT_DOUBLE_EQ(by_value.ceiling(rank(1, 3, 8, 10, 0), 0), 0.9);
  EXPECT_DOUBLE_EQ(by_value.ceiling(rank(0, 1, 7, 7, 7), 0), 1.0);
  EXPECT_DOUBLE_EQ(by_value.ceiling(rank(1, 2, INT32_MIN, INT32_MAX, INT32_MIN), 0), 0.5);

  const UsageLimit soft({.kind = UsageLimitKind::kSoftReflectiveCeiling});
  EXPECT_DOUBLE_EQ(soft.ceiling(rank(0, 3), 0.6), 1.0);
  EXPECT_DOUBLE_EQ(soft.ceiling(rank(1, 3), 0.6), 0.7);
  EXPECT_DOUBLE_EQ(soft.ceiling(rank(2, 3), 0.6), 0.4);
  EXPECT_DOUBLE_EQ(soft.ceiling(rank(0, 1), 0.6), 1.0);
}

TEST(UsageLimit, TheSoftCeilingOpensOnceInAWhileButNeverAFullPool) {
  UsageLimit soft({.kind = UsageLimitKind::kSoftReflectiveCeiling});
  const auto trace = [&](double saturation, int cycles) {
    std::string out;
    for (int i = 0; i < cycles; ++i) out += soft.allows(rank(1, 2), saturation) ? 'x' : '.';
    return out;
  };
  EXPECT_EQ(trace(0.4, 3), "xxx");     // below its ceiling of 0.6
  EXPECT_EQ(trace(0.5, 6), ".x.x.x");  // period 1
  EXPECT_EQ(trace(0.9, 20), ".........x.........x");
  EXPECT_EQ(trace(1.0, 5), ".....");
}

}  // namespace
}  // namespace nacelle::router::flow
