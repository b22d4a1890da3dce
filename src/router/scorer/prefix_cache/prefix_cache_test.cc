#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(PrefixCacheScorer, IsTheShareOfThePromptThatIsCached) {
  PluginFixture f({{.matched = 10}, {.matched = 4}, {}});
  EXPECT_EQ(f.with("prefix-cache-scorer").score(), (Scores{1, 0.4, 0}));
}

TEST(PrefixCacheScorer, MixesInTheAbsoluteLength) {
  PluginFixture f(std::vector<Row>{{.matched = 5}});
  f.with("prefix-cache-scorer", "{matchLengthWeight: 0.5, matchLengthScaleTokens: 640}");
  // 5 * 64 / 640 = 1/2, squared 1/4; share 1/2.
  EXPECT_EQ(f.score(), (Scores{0.5 * 0.25 + 0.5 * 0.5}));
}

TEST(PrefixCacheScorer, KnowsNothingWithoutAPrompt) {
  PluginFixture f(std::vector<Row>{{.matched = 5}});
  f.with("prefix-cache-scorer");
  f.input.prefix[0].total_blocks = 0;
  EXPECT_EQ(f.score(), (Scores{0}));
}

TEST(PrefixCacheScorer, TheDeprecatedPreciseScorerTakesItsProducersParameters) {
  PluginFixture f({{.matched = 10}, {}});
  f.with("precise-prefix-cache-scorer",
         "{tokenProcessorConfig: {blockSizeTokens: 64, hashSeed: '42'}, speculativeIndexing: true,"
         " kvEventsConfig: {zmqEndpoint: 'tcp://*:5557', topicFilter: kv@}}");
  EXPECT_EQ(f.score(), (Scores{1, 0}));
  EXPECT_EQ(PluginFixture::error("precise-prefix-cache-scorer",
                                 "{tokenProcessorConfig: {blockSizeToken: 64}}"),
            "plugins[0].parameters.tokenProcessorConfig.blockSizeToken: unknown field "
            "'blockSizeToken'; did you mean 'blockSizeTokens'?");
}

}  // namespace
}  // namespace nacelle::router
