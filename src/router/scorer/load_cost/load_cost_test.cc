#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(LoadCostScorer, WeighsQueueingAgainstComputingAgain) {
  // Costs: 640; 1280 + 0 with all cached; 640 + 2 * 64 for two requests in flight.
  PluginFixture f({{}, {.tokens = 1280, .matched = 10}, {.requests = 2}});
  EXPECT_EQ(f.with("load-cost-scorer").score(), (Scores{0.5, 0, 1 - 768.0 / 1280}));
}

}  // namespace
}  // namespace nacelle::router
