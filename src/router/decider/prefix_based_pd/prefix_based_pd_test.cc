#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(PrefixBasedPdDecider, CountsWhatTheDecodeEndpointHasNotCached) {
  PluginFixture f({{.matched = 0}, {.matched = 5}, {.matched = 10}});
  f.with("prefix-based-pd-decider", "{nonCachedTokens: 320}");  // of 640
  EXPECT_TRUE(f.wanted(0));
  EXPECT_TRUE(f.wanted(1));
  EXPECT_FALSE(f.wanted(2));
  f.input.request.prompt_tokens = 319;
  EXPECT_FALSE(f.wanted(0));
}

TEST(PrefixBasedPdDecider, NeverByDefaultAndNeverWithoutMatches) {
  PluginFixture f(std::vector<Row>{{}});
  EXPECT_FALSE(f.with("prefix-based-pd-decider").wanted(0));
  f.with("prefix-based-pd-decider", "{nonCachedTokens: 1, promptTokens: 641}");
  EXPECT_FALSE(f.wanted(0));
  f.with("prefix-based-pd-decider", "{nonCachedTokens: 1}");
  EXPECT_TRUE(f.wanted(0));
  f.input.prefix[0].matched.clear();
  EXPECT_FALSE(f.wanted(0));
}

TEST(AlwaysDisaggDecider, DependsOnTheKindOfInputAlone) {
  PluginFixture f(std::vector<Row>{{}});
  EXPECT_TRUE(f.with("always-disagg-pd-decider").wanted(0));
  EXPECT_FALSE(f.with("always-disagg-multimodal-decider").wanted(0));
}

}  // namespace
}  // namespace nacelle::router
