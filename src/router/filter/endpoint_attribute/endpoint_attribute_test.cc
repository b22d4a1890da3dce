#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(EndpointAttributeFilter, ComparesWithTheThreshold) {
  const std::vector<Row> rows = {{.waiting = 1}, {.waiting = 5}, {.waiting = 9}};
  struct Case {
    const char* op;
    Kept kept;
  };
  for (const Case& c :
       {Case{"LessThan", {0}}, Case{"LessThanOrEqual", {0, 1}}, Case{"GreaterThan", {2}},
        Case{"GreaterThanOrEqual", {1, 2}}, Case{"Equal", {1}}, Case{"NotEqual", {0, 2}}}) {
    const std::string parameters =
        std::string("{attribute: WaitingQueueSize, algorithm: {type: threshold, threshold: ") +
        "{operator: " + c.op + ", value: 5}}}";
    EXPECT_EQ(PluginFixture(rows).with("endpoint-attribute-filter", parameters).filter(), c.kept)
        << c.op;
  }
}

TEST(EndpointAttributeFilter, SaysWhatMissingAndEmptyMean) {
  const std::string base = "attribute: Nothing, algorithm: {threshold: {value: 5}}";
  EXPECT_EQ(PluginFixture({{}, {}}).with("endpoint-attribute-filter", "{" + base + "}").filter(),
            (Kept{0, 1}));
  EXPECT_EQ(PluginFixture({{}, {}})
                .with("endpoint-attribute-filter", "{onMissing: Fail, " + base + "}")
                .filter(),
            (Kept{}));
  EXPECT_EQ(PluginFixture({{}, {}})
                .with("endpoint-attribute-filter",
                      "{onMissing: Fail, fallbackOnEmpty: true, " + base + "}")
                .filter(),
            (Kept{0, 1}));
}

}  // namespace
}  // namespace nacelle::router
