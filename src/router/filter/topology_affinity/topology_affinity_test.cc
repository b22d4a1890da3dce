#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

Row in(const char* zone) { return {.labels = {{"topology.kubernetes.io/zone", zone}}}; }

TEST(TopologyAffinityFilter, KeepsTheNeighboursAndFailsOpen) {
  PluginFixture f({in("z1"), in("z1"), in("z2")});
  f.with("topology-affinity-filter", "{minAffinity: zone}", {"prefill", "decode"});
  EXPECT_EQ(f.filter(), (Kept{0, 1, 2}));
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{0, 1}};
  EXPECT_EQ(f.filter(), (Kept{0, 1}));
  f.with("topology-affinity-filter", "{minAffinity: host}", {"prefill", "decode"});
  f.decision.results[0].state = ProfileResult::State::kDone;
  f.decision.results[0].targets = {{0, 1}};
  EXPECT_EQ(f.filter(), (Kept{0, 1, 2}));
}

}  // namespace
}  // namespace nacelle::router
