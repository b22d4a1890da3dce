#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(UtilizationDetectorFilter, KeepsThoseWithHeadroomAndFailsOpen) {
  PluginFixture f({{.waiting = 4, .kv = 0.7}, {.waiting = 5}, {.kv = 0.8}});
  EXPECT_EQ(f.with("utilization-detector").filter(), (Kept{0}));
  EXPECT_EQ(f.with("utilization-detector", "{headroom: 0.5}").filter(), (Kept{0, 1, 2}));
  EXPECT_EQ(f.with("utilization-detector", "{queueDepthThreshold: 1}").filter(), (Kept{0, 1, 2}));
}

TEST(UtilizationDetectorFilter, JudgesStaleEndpointsByWhatWasPlacedThere) {
  PluginFixture f({{.waiting = 50, .stale = true}, {.stale = true}});
  f.input.unseen_requests = {0, 7};
  EXPECT_EQ(f.with("utilization-detector").filter(), (Kept{0}));
}

}  // namespace
}  // namespace nacelle::router
