#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

PluginFixture with_gpu(std::vector<double> usage) {
  PluginFixture f(std::vector<Row>(usage.size()));
  for (std::size_t i = 0; i < usage.size(); ++i) {
    if (usage[i] < 0) continue;
    f.pool.endpoints[i].attributes =
        std::make_shared<const Attributes>(Attributes{{"GPUUtilization", usage[i]}});
  }
  f.publish();
  return f;
}

TEST(EndpointAttributeScorer, SpansTheCandidatesByDefault) {
  PluginFixture f = with_gpu({0.2, 0.6, 1.0, -1});
  f.with("endpoint-attribute-scorer", "{attributeKey: GPUUtilization}");
  const Scores scores = f.score();
  EXPECT_EQ(scores[0], 1);
  EXPECT_DOUBLE_EQ(scores[1], 0.5);
  EXPECT_EQ(scores[2], 0);
  EXPECT_EQ(scores[3], 0);  // it has no such attribute
}

TEST(EndpointAttributeScorer, AFixedRangeAndTheOtherDirection) {
  PluginFixture f = with_gpu({0.5, 4});
  f.with("endpoint-attribute-scorer",
         "{attributeKey: GPUUtilization, producer: dcgm-extractor, algorithm: {type: "
         "linear_higher_is_better, normalization: {fixedRange: {min: 0, max: 2}}}}");
  EXPECT_EQ(f.score(), (Scores{0.25, 1}));
}

TEST(EndpointAttributeScorer, ReadsGaugesByTheirAttributeNames) {
  PluginFixture f({{.waiting = 0}, {.waiting = 10}});
  EXPECT_EQ(f.with("endpoint-attribute-scorer", "{attributeKey: WaitingQueueSize}").score(),
            (Scores{1, 0}));
}

}  // namespace
}  // namespace nacelle::router
