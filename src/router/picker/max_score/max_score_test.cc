#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(MaxScorePicker, TakesTheBest) {
  PluginFixture f({{}, {}, {}});
  EXPECT_EQ(f.with("max-score-picker").pick({0.1, 0.9, 0.5}), (Kept{1}));
}

TEST(MaxScorePicker, TiesAreDrawnEvenly) {
  PluginFixture f({{}, {}, {}, {}});
  f.with("max-score-picker");
  std::vector<int> count(4);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    f.input.request.random = i;
    ++count[f.pick({1, 0, 1, 1}).front()];
  }
  EXPECT_EQ(count, (std::vector<int>{1000, 0, 1000, 1000}));
}

TEST(MaxScorePicker, FallbacksFollowInTheOrderOfTheirScores) {
  PluginFixture f({{}, {}, {}, {}});
  f.with("max-score-picker", "{maxNumOfEndpoints: 3}");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    f.input.request.random = seed;
    const Kept picked = f.pick({2, 5, 5, 1});
    ASSERT_EQ(picked.size(), 3u);
    EXPECT_EQ(picked[0] + picked[1], 3u);  // 1 and 2 in either order
    EXPECT_EQ(picked[2], 0u);
  }
  EXPECT_EQ(f.with("max-score-picker", "{maxNumOfEndpoints: 9}").pick({1, 4, 3, 2}),
            (Kept{1, 2, 3, 0}));
  EXPECT_EQ(f.with("max-score-picker", "{maxNumOfEndpoints: -2}").pick({1, 4, 3, 2}), (Kept{1}));
}

TEST(MaxScorePicker, NegativeTotalsArePickedToo) {
  PluginFixture f({{}, {}});
  EXPECT_EQ(f.with("max-score-picker").pick({-3, -2}), (Kept{1}));
}

}  // namespace
}  // namespace nacelle::router
