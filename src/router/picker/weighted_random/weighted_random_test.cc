#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

std::vector<int> counts(PluginFixture& f, const std::vector<double>& totals) {
  std::vector<int> out(totals.size());
  for (std::uint64_t i = 0; i < 8000; ++i) {
    f.input.request.random = (i + 1) * 0x9E3779B97F4A7C15u;
    ++out[f.pick(totals).front()];
  }
  return out;
}

TEST(WeightedRandomPicker, DrawsInProportionToTheScores) {
  PluginFixture f({{}, {}, {}});
  f.with("weighted-random-picker");
  const auto count = counts(f, {3, 1, 0});
  EXPECT_NEAR(count[0], 6000, 300);
  EXPECT_NEAR(count[1], 2000, 300);
  EXPECT_EQ(count[2], 0);
}

TEST(WeightedRandomPicker, IsUniformWithoutScores) {
  PluginFixture f({{}, {}});
  f.with("weighted-random-picker");
  EXPECT_NEAR(counts(f, {0, 0})[0], 4000, 300);
}

TEST(WeightedRandomPicker, FallbacksDoNotRepeat) {
  PluginFixture f({{}, {}, {}});
  f.with("weighted-random-picker", "{maxNumOfEndpoints: 3}");
  Kept picked = f.pick({1, 2, 0});
  ASSERT_EQ(picked.size(), 3u);
  EXPECT_EQ(picked[2], 2u);  // a score of 0 comes last
  EXPECT_EQ(picked[0] + picked[1], 1u);
}

}  // namespace
}  // namespace nacelle::router
