#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(LoraAffinityScorer, PrefersActiveThenRoomThenWaiting) {
  PluginFixture f({{}, {}, {}, {}, {}});
  const auto lora = [&](std::size_t i, LoraState state) {
    f.pool.endpoints[i].lora = std::make_shared<const LoraState>(std::move(state));
  };
  lora(0, {{"a", "b"}, {}, 2});     // active
  lora(1, {{"b"}, {}, 2});          // room for one more
  lora(2, {{"b", "c"}, {"a"}, 2});  // waiting for it
  lora(3, {{"b"}, {"c"}, 2});       // full
  f.publish();
  f.input.request.model = "a";
  EXPECT_EQ(f.with("lora-affinity-scorer").score(), (Scores{1, 0.8, 0.6, 0, 0}));
}

}  // namespace
}  // namespace nacelle::router
