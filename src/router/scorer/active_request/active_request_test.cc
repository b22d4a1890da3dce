#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(ActiveRequestScorer, ComparesWithTheBusiest) {
  PluginFixture f({{.requests = 4}, {.requests = 1}, {.requests = 0}});
  EXPECT_EQ(f.with("active-request-scorer").score(), (Scores{0, 0.75, 1}));
}

TEST(ActiveRequestScorer, AllIdleScoreOne) {
  PluginFixture f({{}, {}});
  EXPECT_EQ(f.with("active-request-scorer").score(), (Scores{1, 1}));
}

TEST(ActiveRequestScorer, TheThresholdCountsAsIdleAndTheRestIsScaled) {
  PluginFixture f({{.requests = 4}, {.requests = 1}, {.requests = 2}});
  f.with("active-request-scorer", "{idleThreshold: 1, maxBusyScore: 0.5, requestTimeout: 10m}");
  EXPECT_EQ(f.score(), (Scores{0, 1, 0.25}));
}

TEST(ActiveRequestScorer, ItsParametersHaveBounds) {
  EXPECT_EQ(PluginFixture::error("active-request-scorer", "{maxBusyScore: 2}"),
            "plugins[0].parameters.maxBusyScore: 2 is outside 0 to 1");
}

}  // namespace
}  // namespace nacelle::router
