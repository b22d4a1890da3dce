#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

const std::vector<Row> kRows = {
    {.labels = {{"tier", "gold"}, {"zone", "a"}}}, {.labels = {{"tier", "free"}}}, {}};

TEST(LabelSelectorFilter, MatchesLabelsAndExpressions) {
  struct Case {
    const char* parameters;
    Kept kept;
  };
  const Case cases[] = {
      {"{matchLabels: {tier: gold}}", {0}},
      {"{matchLabels: {tier: gold, zone: b}}", {}},
      {"{matchExpressions: [{key: tier, operator: In, values: [gold, free]}]}", {0, 1}},
      {"{matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]}", {1, 2}},
      {"{matchExpressions: [{key: zone, operator: Exists}]}", {0}},
      {"{matchExpressions: [{key: zone, operator: DoesNotExist}]}", {1, 2}},
      {"{matchLabels: {tier: gold}, matchExpressions: [{key: zone, operator: Exists}]}", {0}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(PluginFixture(kRows).with("label-selector-filter", c.parameters).filter(), c.kept)
        << c.parameters;
  }
}

TEST(LabelSelectorFilter, TheDeprecatedFormAllowsEndpointsWithoutTheLabel) {
  EXPECT_EQ(PluginFixture(kRows)
                .with("by-label", "{label: tier, validValues: [free], allowsNoLabel: true}")
                .filter(),
            (Kept{1, 2}));
  EXPECT_EQ(PluginFixture(kRows).with("by-label-selector", "{matchLabels: {tier: free}}").filter(),
            (Kept{1}));
}

TEST(LabelSelectorFilter, NamesWhatIsWrong) {
  EXPECT_EQ(PluginFixture::error("label-selector-filter",
                                 "{matchExpressions: [{key: a, operator: NotIm, values: [x]}]}"),
            "plugins[0].parameters.matchExpressions[0].operator: unknown value 'NotIm'; did you "
            "mean 'NotIn'?");
}

}  // namespace
}  // namespace nacelle::router
