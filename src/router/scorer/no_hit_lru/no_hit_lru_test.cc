#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(NoHitLruScorer, AHitAnywhereMakesItNeutral) {
  PluginFixture f({{.matched = 1}, {}});
  EXPECT_EQ(f.with("no-hit-lru-scorer").score(), (Scores{0.5, 0.5}));
}

TEST(NoHitLruScorer, NeverUsedComesFirstThenTheLeastRecent) {
  PluginFixture f({{}, {}, {}});
  f.with("no-hit-lru-scorer", "{lruSize: 8}");
  auto& scorer = f.as<Producer>();
  const auto use = [&](std::uint32_t position) {
    f.decision.results[0].state = ProfileResult::State::kDone;
    f.decision.results[0].targets = {{position, 0}};
    scorer.committed(f.input, f.decision);
  };
  scorer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{1, 0.5, 0}));  // nobody used: the order of the pool
  use(0);
  use(2);
  scorer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0.5, 1, 0}));
  use(1);
  use(0);
  scorer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{0, 0.5, 1}));
  scorer.forget(EndpointId{0});
  scorer.produce(f.input);
  EXPECT_EQ(f.score(), (Scores{1, 0, 0.5}));
}

TEST(NoHitLruScorer, OnlyColdRequestsCount) {
  PluginFixture f({{.matched = 3}, {}});
  f.with("no-hit-lru-scorer");
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{0, 0}};
  f.as<Producer>().committed(f.input, f.decision);
  f.as<Producer>().produce(f.input);
  EXPECT_EQ(f.column("last cold request"), (Column{0, 0}));
}

TEST(NoHitLruScorer, ASingleEndpointScoresOne) {
  PluginFixture f(std::vector<Row>{{}});
  EXPECT_EQ(f.with("no-hit-lru-scorer").score(), (Scores{1}));
}

}  // namespace
}  // namespace nacelle::router
