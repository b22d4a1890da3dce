#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(TokenLoadScorer, CountsTokensInFlightAndThoseToCompute) {
  // 640 tokens of prompt, of which 0 and 5 * 64 are cached.
  PluginFixture f({{.tokens = 360}, {.tokens = 0, .matched = 5}, {.tokens = 5000}});
  f.with("token-load-scorer", "{queueThresholdTokens: 2000}");
  EXPECT_EQ(f.score(), (Scores{0.5, 1 - 320.0 / 2000, 0}));
}

}  // namespace
}  // namespace nacelle::router
