#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(RandomPicker, DrawsEvenlyAndWithoutRepetition) {
  PluginFixture f({{}, {}, {}});
  f.with("random-picker", "{maxNumOfEndpoints: 2}");
  std::vector<int> first(3), second(3);
  for (std::uint64_t i = 0; i < 6000; ++i) {
    f.input.request.random = i * 0x9E3779B97F4A7C15u;
    const Kept picked = f.pick({9, 0, 0});
    ASSERT_EQ(picked.size(), 2u);
    ASSERT_NE(picked[0], picked[1]);
    ++first[picked[0]];
    ++second[picked[1]];
  }
  for (const int count : first) EXPECT_NEAR(count, 2000, 200);
  for (const int count : second) EXPECT_NEAR(count, 2000, 200);
}

}  // namespace
}  // namespace nacelle::router
