#include "control/kube/pool_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PoolMetrics, APoolIsThereUntilItIsForgotten) {
  PoolMetrics pools;
  telemetry::Metrics metrics;
  metrics.add_collector([&](telemetry::Snapshot& out) { pools.collect(out); });
  EXPECT_THAT(metrics.serialize(), Not(HasSubstr("llmd:pool")));
  pools.set(
      {"team", "shared"},
      {.budget = 4, .services = {{.name = "a", .gpus = 3, .entitlement = 2, .evictions = 1}}});
  const std::string text = metrics.serialize();
  EXPECT_THAT(text, HasSubstr(R"(llmd:pool_gpu_budget{namespace="team",pool="shared"} 4)"));
  EXPECT_THAT(
      text, HasSubstr(R"(llmd:pool_gpu_allocated{namespace="team",pool="shared",service="a"} 3)"));
  EXPECT_THAT(text,
              HasSubstr(R"(llmd:pool_entitlement{namespace="team",pool="shared",service="a"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(reason="LowPriority")"));
  EXPECT_THAT(text, HasSubstr("# TYPE llmd:pool_evictions_total counter"));
  pools.forget({"team", "shared"});
  EXPECT_THAT(metrics.serialize(), Not(HasSubstr("shared")));
}

}  // namespace
}  // namespace nacelle::control
