#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(KvCacheUtilizationScorer, IsWhatIsFree) {
  PluginFixture f({{.kv = 0.25}, {.kv = 1}, {.kv = 0}});
  EXPECT_EQ(f.with("kv-cache-utilization-scorer").score(), (Scores{0.75, 0, 1}));
}

TEST(KvCacheUtilizationScorer, UnknownIsOneHalf) {
  PluginFixture f(std::vector<Row>{{.kv = 0.9, .stale = true}});
  EXPECT_EQ(f.with("kv-cache-utilization-scorer").score(), (Scores{0.5}));
}

}  // namespace
}  // namespace nacelle::router
