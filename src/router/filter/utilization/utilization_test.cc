#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(UtilizationFilter, AllConditionsHold) {
  PluginFixture f({{.waiting = 2, .kv = 0.5, .requests = 3},
                   {.waiting = 9, .kv = 0.5},
                   {.waiting = 1, .kv = 0.9},
                   {.running = 7}});
  f.with("utilization-filter",
         "{conditions: [{metric: waiting-queue, maxValue: 5}, {metric: kv-cache-utilization, "
         "maxValue: 0.8}, {metric: running-requests, maxValue: 6}]}");
  EXPECT_EQ(f.filter(), (Kept{0}));
  f.with("utilization-filter", "{conditions: [{metric: active-requests, maxValue: 2}]}");
  EXPECT_EQ(f.filter(), (Kept{1, 2, 3}));
}

TEST(UtilizationFilter, FallsBackOnlyWhenAsked) {
  PluginFixture f(std::vector<Row>{{.waiting = 9}});
  f.with("utilization-filter", "{conditions: [{metric: waiting-queue, maxValue: 5}]}");
  EXPECT_EQ(f.filter(), (Kept{}));
  f.with("utilization-filter",
         "{conditions: [{metric: waiting-queue, maxValue: 5}], fallbackOnEmpty: true}");
  EXPECT_EQ(f.filter(), (Kept{0}));
}

}  // namespace
}  // namespace nacelle::router
