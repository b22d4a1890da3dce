#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

double refused(PluginFixture& f) {
  int count = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    f.input.request.random = (i + 1) * 0x9E3779B97F4A7C15u;
    count += !f.admit().ok();
  }
  return count / 4000.0;
}

TEST(ProbabilisticAdmitter, RefusesTheMoreTheFullerThePool) {
  PluginFixture f({{.waiting = 1}, {.waiting = 1}});  // 0.2 saturated
  f.with("probabilistic-admitter");
  f.input.request.priority = -1;
  EXPECT_NEAR(refused(f), 0.2 * 0.2 * 0.2 * 0.2 * 0.2 * 300, 0.03);  // 0.096
  f.input.request.priority = 0;
  EXPECT_EQ(refused(f), 0);
}

TEST(ProbabilisticAdmitter, AnEmptyPoolAdmitsAllAndAFullOneNone) {
  PluginFixture idle({{}, {}});
  idle.with("probabilistic-admitter").input.request.priority = -1;
  EXPECT_EQ(refused(idle), 0);
  PluginFixture full({{.waiting = 5}, {.kv = 0.8}});
  full.with("probabilistic-admitter").input.request.priority = -1;
  EXPECT_EQ(refused(full), 1);
}

}  // namespace
}  // namespace nacelle::router
