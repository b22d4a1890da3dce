#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(QueueScorer, ScoresByTheWaitingQueueBetweenTheExtremes) {
  PluginFixture f({{.waiting = 3}, {.waiting = 0}, {.waiting = 10}});
  EXPECT_EQ(f.with("queue-scorer").score(), (Scores{0.7, 1, 0}));
}

TEST(QueueScorer, EqualQueuesScoreOne) {
  PluginFixture f({{.waiting = 4}, {.waiting = 4}});
  EXPECT_EQ(f.with("queue-scorer").score(), (Scores{1, 1}));
}

TEST(QueueScorer, CountsWhatWasPlacedSinceTheScrape) {
  PluginFixture f({{.waiting = 1}, {.waiting = 0}});
  f.input.unseen_requests = {0, 3};
  EXPECT_EQ(f.with("queue-scorer").score(), (Scores{1, 0}));
}

TEST(QueueScorer, StaleMetricsGiveWayToRequestsInFlight) {
  PluginFixture f({{.waiting = 50, .requests = 1, .stale = true}, {.requests = 2, .stale = true}});
  EXPECT_EQ(f.with("queue-scorer").score(), (Scores{1, 0}));
}

TEST(QueueScorer, TakesNoParameters) {
  EXPECT_EQ(PluginFixture::error("queue-scorer", "{threshold: 1}"),
            "plugins[0].parameters.threshold: unknown field 'threshold'; there are none");
}

}  // namespace
}  // namespace nacelle::router
