#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

Row role(const char* name) { return {.labels = {{"llm-d.ai/role", name}}}; }

TEST(RoleFilter, KeepsThoseThatDoTheStage) {
  const std::vector<Row> rows = {
      role("decode"), role("prefill"),        role("prefill-decode"),        role("both"),
      role("encode"), role("encode-prefill"), role("encode-prefill-decode"), {},
      role("other")};
  EXPECT_EQ(PluginFixture(rows).with("decode-filter").filter(), (Kept{0, 2, 3, 6, 7}));
  EXPECT_EQ(PluginFixture(rows).with("prefill-filter").filter(), (Kept{1, 2, 3, 5, 6}));
  EXPECT_EQ(PluginFixture(rows).with("encode-filter").filter(), (Kept{4, 5, 6}));
}

}  // namespace
}  // namespace nacelle::router
