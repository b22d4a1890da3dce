#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(HeaderLabelAffinityScorer, ComparesTheHeaderWithTheLabel) {
  PluginFixture f({{.labels = {{"tier", "gold"}}}, {.labels = {{"tier", "free"}}}, {}});
  f.with("header-label-affinity-scorer", "{headerName: X-Tier, labelKey: tier}");
  EXPECT_EQ(f.score(), (Scores{0, 0, 0}));
  const HeaderView headers[] = {{"x-tier", "gold"}};
  f.input.request.headers = headers;
  EXPECT_EQ(f.score(), (Scores{1, 0, 0}));
}

TEST(HeaderLabelAffinityScorer, NeedsBothNames) {
  EXPECT_EQ(PluginFixture::error("header-label-affinity-scorer", "{headerName: x}"),
            "plugins[0].parameters.labelKey: is missing");
}

}  // namespace
}  // namespace nacelle::router
