#include "router/flow/core/eviction_plan.h"

#include <gtest/gtest.h>

namespace nacelle::router::flow {
namespace {

TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(ms)); }

FlowControlConfig concurrency() {
  FlowControlConfig config;
  config.detector.kind = DetectorKind::kConcurrency;
  return config;
}

TEST(EvictionPlan, WantsWhatIsMissingAtMostTwo) {
  const EvictionPlan plan{concurrency()};
  EXPECT_EQ(plan.want(0.9, 1.0, 10), 0u);  // not full
  EXPECT_EQ(plan.want(1.0, 1.0, 10), 1u);  // at least one
  EXPECT_EQ(plan.want(1.05, 1.0, 10), 1u);
  EXPECT_EQ(plan.want(1.15, 1.0, 10), 2u);
  EXPECT_EQ(plan.want(2.0, 1.0, 100), 2u);
  EXPECT_EQ(plan.want(1.0, 1.0, 0), 0u);  // nothing of ours runs
}

TEST(EvictionPlan, WaitsForSaturationToFall) {
  EvictionPlan plan{concurrency()};
  plan.issued(2, 1.0, 10, at(0));
  EXPECT_DOUBLE_EQ(plan.pending(), 0.2);
  EXPECT_EQ(plan.want(1.0, 1.0, 10), 0u);
  EXPECT_EQ(plan.settle(0.8, at(9)).event, EvictionPlan::Event::kNone);  // within the grace
  EXPECT_EQ(plan.settle(1.0, at(20)).event, EvictionPlan::Event::kNone);
  const auto settled = plan.settle(0.9, at(30));
  EXPECT_EQ(settled.event, EvictionPlan::Event::kConfirmed);
  EXPECT_EQ(settled.revoked, 2u);
  EXPECT_EQ(settled.took, Duration(30ms));
  EXPECT_EQ(plan.want(1.0, 1.0, 10), 1u);
}

TEST(EvictionPlan, GivesUpWaitingAfterTenSeconds) {
  EvictionPlan plan{concurrency()};
  plan.issued(1, 1.0, 10, at(0));
  EXPECT_EQ(plan.settle(1.0, at(9'999)).event, EvictionPlan::Event::kNone);
  EXPECT_EQ(plan.settle(1.0, at(10'000)).event, EvictionPlan::Event::kTimedOut);
  EXPECT_EQ(plan.settle(0.5, at(10'001)).event, EvictionPlan::Event::kNone);
}

TEST(EvictionPlan, GaugesNeedALongerGrace) {
  FlowControlConfig config;
  EXPECT_EQ(EvictionPlan(config).grace(), Duration(500ms));  // 50 + 200 + 250
}

}  // namespace
}  // namespace nacelle::router::flow
