#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(RunningRequestsScorer, ScoresByRunningRequestsBetweenTheExtremes) {
  PluginFixture f({{.running = 8}, {.running = 2}, {.running = 4}});
  EXPECT_EQ(f.with("running-requests-size-scorer").score(), (Scores{0, 1, 4.0 / 6}));
}

TEST(RunningRequestsScorer, StaleMetricsGiveWayToRequestsInFlight) {
  PluginFixture f({{.running = 0, .requests = 5, .stale = true}, {.running = 1}});
  EXPECT_EQ(f.with("running-requests-size-scorer").score(), (Scores{0, 1}));
}

}  // namespace
}  // namespace nacelle::router
