#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

Row at(const char* host, const char* zone, const char* region) {
  return {.labels = {{"kubernetes.io/hostname", host},
                     {"topology.kubernetes.io/zone", zone},
                     {"topology.kubernetes.io/region", region}}};
}

TEST(TopologyAffinityScorer, PrefersTheNeighbourhoodOfTheOtherStage) {
  PluginFixture f(
      {at("h1", "z1", "r1"), at("h1", "z1", "r1"), at("h2", "z1", "r1"), at("h3", "z2", "r1"), {}});
  f.with("topology-affinity-scorer", "", {"prefill", "decode"});
  EXPECT_EQ(f.score(), (Scores{0, 0, 0, 0, 0}));  // nothing ran before
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{0, 1}};
  EXPECT_EQ(f.score(), (Scores{1, 1, 0.05, 0.02, 0}));
}

}  // namespace
}  // namespace nacelle::router
