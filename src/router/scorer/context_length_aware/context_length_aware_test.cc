#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

Row labelled(const char* range) { return {.labels = {{"llm-d.ai/context-length-range", range}}}; }

TEST(ContextLengthAware, ScoresByHowWellTheRangeFits) {
  PluginFixture f(
      {labelled("640-640"), labelled("0-1000"), labelled("2000-4000"), {}, labelled("long")});
  const Scores scores = f.with("context-length-aware").score();
  EXPECT_EQ(scores[0], 1);
  EXPECT_DOUBLE_EQ(scores[1], 0.3 + 0.7 * (0.7 / 1.1 + 0.3 * 360 / 1000));
  EXPECT_DOUBLE_EQ(scores[2], 0.3 / (1 + 1360.0 / 1000));
  EXPECT_EQ(scores[3], 0.5);
  EXPECT_EQ(scores[4], 0);
}

TEST(ContextLengthAware, FiltersOnlyWhenAsked) {
  const std::vector<Row> rows = {labelled("0-1000"), labelled("2000-4000"), {}, labelled("x")};
  EXPECT_EQ(PluginFixture(rows).with("context-length-aware").filter(), (Kept{0, 1, 2, 3}));
  EXPECT_EQ(PluginFixture(rows).with("context-length-aware", "{enableFiltering: true}").filter(),
            (Kept{0, 2}));
}

}  // namespace
}  // namespace nacelle::router
