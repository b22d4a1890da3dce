#include "router/producer/predicted_latency/predicted_latency.h"
#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

PluginFixture& predicted(PluginFixture& f, Column ttft, Column tpot) {
  f.column("predicted ttft ms") = std::move(ttft);
  f.column("predicted tpot ms") = std::move(tpot);
  f.column("running tpot slo ms") = Column(f.input.pool->size(), 0.0);
  f.input.request.slo_ttft_ms = 1000;
  return f;
}

TEST(LatencyScorer, LeastFillsTheFullestThatStillMeetsTheSlo) {
  PluginFixture f({{.requests = 1}, {.requests = 1}, {.requests = 1}});
  f.with("latency-scorer");
  // Headrooms 900, 100, -500: the third scores nothing.
  EXPECT_EQ(predicted(f, {100, 900, 1500}, {0, 0, 0}).score(), (Scores{0.01, 1.01, 0}));
}

TEST(LatencyScorer, MostSpreads) {
  PluginFixture f({{.requests = 1}, {.requests = 1}, {.requests = 1}});
  f.with("latency-scorer", "{headroomSelectionStrategy: most}");
  EXPECT_EQ(predicted(f, {100, 900, 500}, {0, 0, 0}).score(), (Scores{1.01, 0.01, 0.51}));
}

TEST(LatencyScorer, WithoutHeadroomIdleOnesScoreAndMissesAreLeast) {
  PluginFixture f({{.requests = 1}, {}, {.requests = 2}});
  f.with("latency-scorer", "{headroomSelectionStrategy: most}");
  EXPECT_EQ(predicted(f, {1100, 3000, 2000}, {0, 0, 0}).score(), (Scores{0, 0.51, 0}));
  f.input.load_requests = {1, 1, 1};
  const Scores scores = predicted(f, {1100, 3000, 2000}, {0, 0, 0}).score();
  EXPECT_EQ(scores[0], 1.01);  // misses by 100
  EXPECT_EQ(scores[1], 0.01);  // misses by 2000
}

TEST(LatencyScorer, AnEndpointWithoutPredictionCountsAsPositive) {
  PluginFixture f({{.requests = 1}, {.requests = 1}});
  f.with("latency-scorer");
  EXPECT_EQ(predicted(f, {1500, kNone}, {0, 0}).score(), (Scores{0, 0.51}));
}

TEST(LatencyScorer, WithoutPredictionsACompositeStandsIn) {
  PluginFixture f({{.waiting = 4, .kv = 0.5, .matched = 10}, {.waiting = 0, .kv = 0.25}});
  f.with("latency-scorer");
  // (0.5 + 0 + 1) / 3 and (0.75 + 1 + 0) / 3, rounded to hundredths.
  EXPECT_EQ(f.score(), (Scores{0.5, 0.58}));
}

TEST(LatencyHeadroom, TheStrictestTpotOfThoseRunningCountsWhenStreaming) {
  PluginFixture f({{}, {}});
  f.with("predicted-latency-producer", "{streamingMode: true, sloBufferFactor: 0.5}");
  predicted(f, {10, 10}, {20, 20});
  f.input.request.slo_tpot_ms = 60;
  f.column("running tpot slo ms") = {0, 30};
  const auto tpot = [&](std::uint32_t position) {
    return f.in_context([&](const PickContext& context) {
      return f.as<PredictedLatency>().headroom(context, position)->tpot_ms;
    });
  };
  EXPECT_EQ(tpot(0), 60 * 0.5 - 20);
  EXPECT_EQ(tpot(1), 30 * 0.5 - 20);
}

}  // namespace
}  // namespace nacelle::router
