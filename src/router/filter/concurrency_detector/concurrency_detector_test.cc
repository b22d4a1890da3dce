#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(ConcurrencyDetectorFilter, KeepsThoseBelowCapacityAndFailsClosed) {
  const std::vector<Row> rows = {{.requests = 4, .tokens = 100}, {.requests = 9, .tokens = 10}};
  EXPECT_EQ(PluginFixture(rows).with("concurrency-detector", "{maxConcurrency: 5}").filter(),
            (Kept{0}));
  EXPECT_EQ(PluginFixture(rows)
                .with("concurrency-detector", "{concurrencyMode: tokens, maxTokenConcurrency: 50}")
                .filter(),
            (Kept{1}));
  EXPECT_EQ(PluginFixture(rows)
                .with("concurrency-detector",
                      "{concurrencyMode: hybrid, maxConcurrency: 5, maxTokenConcurrency: 50}")
                .filter(),
            (Kept{}));
  EXPECT_EQ(
      PluginFixture(rows).with("concurrency-detector", "{maxConcurrency: 5, headroom: 1}").filter(),
      (Kept{0, 1}));
}

}  // namespace
}  // namespace nacelle::router
