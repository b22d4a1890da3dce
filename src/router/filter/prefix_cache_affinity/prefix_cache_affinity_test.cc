#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(PrefixCacheAffinityFilter, KeepsThoseThatHoldMostOfThePrompt) {
  PluginFixture f({{.matched = 8}, {.matched = 7}, {.matched = 10}});
  EXPECT_EQ(f.with("prefix-cache-affinity-filter").filter(), (Kept{0, 2}));
}

TEST(PrefixCacheAffinityFilter, KeepsAllWhenNobodyDoes) {
  PluginFixture f({{.matched = 3}, {}});
  EXPECT_EQ(f.with("prefix-cache-affinity-filter").filter(), (Kept{0, 1}));
}

TEST(PrefixCacheAffinityFilter, LetsGoWhenWaitingCostsMoreThanComputing) {
  // 20,000 tokens at 1,000 tokens/s are 20 s: more than 18 s behind the idle one.
  PluginFixture f({{.tokens = 20000, .matched = 10}, {}});
  f.with("prefix-cache-affinity-filter", "{peakPrefillThroughput: 1000}");
  EXPECT_EQ(f.filter(), (Kept{0, 1}));
  f.input.load_tokens[0] = 17000;
  EXPECT_EQ(f.filter(), (Kept{0}));
}

TEST(PrefixCacheAffinityFilter, ExploresAtTheGivenRate) {
  PluginFixture f({{.matched = 10}, {}});
  f.with("prefix-cache-affinity-filter", "{explorationProbability: 0.25}");
  int explored = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    f.input.request.random = i * 0x9E3779B97F4A7C15u;
    explored += f.filter().size() == 2;
  }
  EXPECT_NEAR(explored, 1000, 120);
}

}  // namespace
}  // namespace nacelle::router
