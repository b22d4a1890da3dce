#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(LoadAwareScorer, FallsFromOneHalfToNothing) {
  PluginFixture f({{.waiting = 0}, {.waiting = 64}, {.waiting = 128}, {.waiting = 500}});
  EXPECT_EQ(f.with("load-aware-scorer").score(), (Scores{0.5, 0.25, 0, 0}));
}

TEST(LoadAwareScorer, TheThresholdIsConfigurable) {
  PluginFixture f(std::vector<Row>{{.waiting = 5}});
  EXPECT_EQ(f.with("load-aware-scorer", "{threshold: 10}").score(), (Scores{0.25}));
}

}  // namespace
}  // namespace nacelle::router
