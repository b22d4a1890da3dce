#include "router/filter/header_based_testing/header_based_testing.h"

#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;

TEST(HeaderBasedTestingFilter, KeepsWhatTheHeaderLists) {
  PluginFixture f({{}, {}, {}});
  f.with("header-based-testing-filter");
  for (std::size_t i = 0; i < 3; ++i) {
    f.pool.endpoints[i].address = "10.0.0." + std::to_string(i + 1) + ":8000";
  }
  f.publish();
  const std::pair<const char*, Kept> rows[] = {
      {"10.0.0.2", {1}},     {" 10.0.0.3 ,10.0.0.1:8000", {0, 2}},
      {"10.0.0.1:8001", {}}, {"10.0.0.9", {}},
      {",, ,", {}},          {"", {}},
  };
  for (const auto& [list, kept] : rows) {
    const HeaderView headers[] = {{"Test-EPP-Endpoint-Selection", list}};
    f.input.request.headers = headers;
    EXPECT_EQ(f.filter(), kept) << '"' << list << '"';
  }
  f.input.request.headers = {};
  EXPECT_EQ(f.filter(), Kept{}) << "without the header";
}

TEST(HeaderBasedTestingFilter, KnowsAddressesInBrackets) {
  EXPECT_TRUE(lists_address("[fd00::1]:8000", "[fd00::1]:8000"));
  EXPECT_TRUE(lists_address("[fd00::1]", "[fd00::1]:8000"));
  EXPECT_TRUE(lists_address("fd00::1", "[fd00::1]:8000"));
  EXPECT_FALSE(lists_address("fd00::12", "[fd00::1]:8000"));
  EXPECT_FALSE(lists_address("[fd00::1]:8001", "[fd00::1]:8000"));
}

}  // namespace
}  // namespace nacelle::router
