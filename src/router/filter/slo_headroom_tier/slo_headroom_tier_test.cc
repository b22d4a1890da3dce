#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(SloHeadroomTierFilter, KeepsThoseThatMeetTheSlo) {
  PluginFixture f({{}, {}, {}});
  f.with("slo-headroom-tier-filter", "{epsilonExploreNeg: 0}");
  f.column("predicted ttft ms") = {100, 5000, kNone};
  f.column("predicted tpot ms") = {1, 1, kNone};
  f.input.request.slo_ttft_ms = 1000;
  EXPECT_EQ(f.filter(), (Kept{0}));
  f.input.request.slo_ttft_ms = 10;  // nobody: all
  EXPECT_EQ(f.filter(), (Kept{0, 1, 2}));
}

TEST(SloHeadroomTierFilter, NowAndThenTriesTheOthers) {
  PluginFixture f({{}, {}});
  f.with("slo-headroom-tier-filter", "{epsilonExploreNeg: 1}");
  f.column("predicted ttft ms") = {100, kNone};
  f.column("predicted tpot ms") = {1, kNone};
  f.input.request.slo_ttft_ms = 1000;
  EXPECT_EQ(f.filter(), (Kept{1}));
}

TEST(SloHeadroomTierFilter, WithoutPredictionsAllStay) {
  PluginFixture f({{}, {}});
  EXPECT_EQ(f.with("slo-headroom-tier-filter").filter(), (Kept{0, 1}));
}

}  // namespace
}  // namespace nacelle::router
