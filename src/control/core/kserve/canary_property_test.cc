// The same end from any interleaving, crash and jump of the clock, and then no write.
#include <gtest/gtest.h>

#include <random>

#include "control/core/kserve/testing/canary_story.h"

namespace nacelle::control::kserve::testing {
namespace {

TEST(Canary, TheSameEndFromAnyInterleavingAndCrash) {
  std::uint32_t seed = 0;
  for (const Plot& plot : plots()) {
    Story calm;
    ASSERT_TRUE(live(plot, nullptr, calm)) << calm.world.text();
    for (const std::uint32_t end = seed + 3; seed < end; ++seed) {
      std::mt19937 dice(seed);
      Story wild;
      ASSERT_TRUE(live(plot, &dice, wild)) << wild.world.text();
      ASSERT_EQ(essence(wild), essence(calm)) << "seed " << seed << " to " << plot.image;
      ASSERT_EQ(wild.world.writes_to_settle(), 0) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace nacelle::control::kserve::testing
