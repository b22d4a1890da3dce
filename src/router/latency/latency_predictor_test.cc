#include "router/latency/latency_predictor.h"

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/latency/core/slo_headroom.h"
#include "router/latency/latency_metrics.h"
#include "router/latency/latency_trace.h"
#include "router/latency/running_slos.h"

namespace nacelle::router::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(ms)); }

LatencyPrediction ask(const LatencyPredictor& predictor, KindId kind, const LatencyFeatures& f) {
  const std::array<LatencyPredictor::Query, 1> queries{{{kind, f}}};
  std::array<LatencyPrediction, 1> out;
  predictor.predict(queries, out);
  return out[0];
}

TEST(LatencyPredictor, KindsLearnApart) {
  LatencyPredictor predictor({});
  const KindId slow = predictor.kind_of("decode", "vllm");
  const KindId fast = predictor.kind_of("decode", "nacelle");
  EXPECT_EQ(predictor.kind_of("decode", "vllm"), slow);
  EXPECT_FALSE(ask(predictor, slow, {}).known);
  for (int i = 0; i < 200; ++i) {
    const LatencyFeatures f{.input_tokens = static_cast<double>(100 * (i % 10))};
    predictor.learn(slow, Target::kTtft, f, 0.100 + 0.0002 * f.input_tokens);
    predictor.learn(fast, Target::kTtft, f, 0.010 + 0.0001 * f.input_tokens);
  }
  const LatencyFeatures f{.input_tokens = 500};
  EXPECT_NEAR(ask(predictor, slow, f).ttft_seconds, 0.200, 0.004);
  EXPECT_NEAR(ask(predictor, fast, f).ttft_seconds, 0.060, 0.0015);
  EXPECT_EQ(ask(predictor, fast, f).tpot_seconds, 0);  // never seen one
}

TEST(LatencyPredictor, MoreKindsThanTheBoundShareOne) {
  LatencyPredictor predictor({});
  for (int i = 0; i < 1000; ++i) (void)predictor.kind_of("decode", std::to_string(i));
  EXPECT_EQ(predictor.quality().size(), 2 * LatencyPredictor::kMaxKinds);
  EXPECT_EQ(predictor.kind_of("x", "y").value, LatencyPredictor::kMaxKinds - 1);
}

TEST(LatencyTrace, TeachesTheFirstChunkTheSampledTokensAndTheWholeAnswer) {
  LatencyPredictor predictor({.sampling_mean = 5, .streaming_mode = true});
  const KindId kind = predictor.kind_of("", "vllm");
  const KindId prefill = predictor.kind_of("prefill", "vllm");
  int looked = 0;
  const LatencyPredictor::Query prefill_query{prefill, {}};
  LatencyTrace trace({.predictor = &predictor,
                      .decode = {kind, {}},
                      .prefill = &prefill_query,
                      .dispatched = at(0),
                      .seed = 1});
  trace.on_first_chunk(at(100));
  trace.on_first_chunk(at(500));  // counts once
  for (int i = 1; i <= 100; ++i) {
    trace.on_tokens(1, at(100 + 10 * i), [&looked] {
      ++looked;
      return LatencyFeatures{};
    });
  }
  trace.on_end(at(5000));
  const auto quality = predictor.quality();  // decode ttft, tpot, prefill ttft, tpot
  EXPECT_EQ(quality[0].samples, 0u);
  EXPECT_EQ(quality[1].samples, static_cast<std::uint64_t>(looked) + 1);
  EXPECT_NEAR(looked, 20, 6);
  EXPECT_EQ(quality[2].samples, 1u);
  EXPECT_EQ(quality[3].samples, 0u);
}

TEST(LatencyTrace, WithoutStreamingTheWholeAnswerIsTheFirstToken) {
  LatencyPredictor predictor({});
  const KindId kind = predictor.kind_of("", "vllm");
  LatencyTrace trace({.predictor = &predictor, .decode = {kind, {}}, .dispatched = at(0)});
  trace.on_first_chunk(at(100));
  EXPECT_EQ(predictor.quality()[0].samples, 0u);
  trace.on_end(at(400));
  EXPECT_EQ(predictor.quality()[0].samples, 1u);
  EXPECT_EQ(predictor.quality()[1].samples, 0u);
}

TEST(TokenSampler, GapsHaveTheirMeanAndRepeatWithTheSeed) {
  TokenSampler a(100, 7), b(100, 7);
  int chosen = 0;
  for (int i = 0; i < 100'000; ++i) {
    const bool now = a.advance(1);
    EXPECT_EQ(now, b.advance(1));
    chosen += now ? 1 : 0;
  }
  EXPECT_NEAR(chosen, 1000, 30);
}

TEST(SloHeadroom, IsTheDistanceToTheStrictestSlo) {
  const LatencyPrediction predicted{true, 0.3, 0.02};
  const auto room = [&](Slo slo, double running, double buffer, TpotMatters tpot) {
    const SloHeadroom h = slo_headroom(predicted, slo, running, buffer, tpot);
    return std::vector<double>{h.ttft_seconds, h.tpot_seconds, h.valid() ? 1.0 : 0.0};
  };
  const auto near = [](double v) { return ::testing::DoubleNear(v, 1e-12); };
  EXPECT_THAT(room({0.5, 0.05}, 0, 1, TpotMatters::kYes), ElementsAre(near(0.2), near(0.03), 1));
  EXPECT_THAT(room({0.5, 0.05}, 0.01, 1, TpotMatters::kYes),
              ElementsAre(near(0.2), near(-0.01), 0));
  EXPECT_THAT(room({0.5, 0.05}, 0.1, 0.5, TpotMatters::kYes),
              ElementsAre(near(0.2), near(0.005), 1));
  EXPECT_THAT(room({0.5, 0}, 0.03, 1, TpotMatters::kYes), ElementsAre(near(0.2), near(0.01), 1));
  EXPECT_THAT(room({0.2, 0.05}, 0.001, 1, TpotMatters::kNo), ElementsAre(near(-0.1), 0, 0));
  EXPECT_THAT(room({}, 0, 1, TpotMatters::kYes), ElementsAre(near(-0.3), near(-0.02), 0));
}

TEST(RunningSlos, TheStrictestOfThoseThatRun) {
  RunningSlos slos;
  const std::array<EndpointId, 3> endpoints{EndpointId{0}, EndpointId{4}, EndpointId{9}};
  std::array<double, 3> out{};
  const auto none = slos.add(EndpointId{9}, 0);
  auto loose = slos.add(EndpointId{4}, 0.1);
  {
    const auto strict = slos.add(EndpointId{4}, 0.02);
    slos.strictest(endpoints, out);
    EXPECT_THAT(out, ElementsAre(0, 0.02, 0));
  }
  auto moved = std::move(loose);
  slos.strictest(endpoints, out);
  EXPECT_THAT(out, ElementsAre(0, 0.1, 0));
  moved.release();
  slos.strictest(endpoints, out);
  EXPECT_THAT(out, ElementsAre(0, 0, 0));
}

TEST(LatencyMetrics, ViolationsAndErrorsAreCounted) {
  telemetry::Metrics metrics;
  LatencyMetrics latency(metrics, "p", "predicted-latency-producer");
  LatencyPredictor predictor({});
  metrics.add_collector(
      [&](telemetry::Snapshot& out) { LatencyMetrics::collect_quality(out, {}, predictor); });
  const KindId kind = predictor.kind_of("decode", "vllm");
  for (int i = 0; i < 100; ++i) predictor.learn(kind, Target::kTtft, {}, 0.1);
  auto& series = latency.series("m", "t");
  series.observe_prediction({true, 0.3, 0.02}, 5e-6);
  series.observe_ttft(0.6, {true, 0.3, 0.02}, {0.5, 0});
  series.observe_tpot(0.6, {true, 0.3, 0.02}, {0.5, 0});
  const std::string text = metrics.serialize();
  for (const std::string prefix : {"llm_d_epp_", "inference_objective_"}) {
    const std::string labels =
        "{plugin_name=\"p\",plugin_type=\"predicted-latency-producer\",model_name=\"m\","
        "target_model_name=\"t\"";
    EXPECT_THAT(text,
                HasSubstr(prefix + "request_slo_violation_total" + labels + ",type=\"ttft\"} 1\n"));
    EXPECT_THAT(text,
                HasSubstr(prefix + "request_slo_violation_total" + labels + ",type=\"tpot\"} 0\n"));
    EXPECT_THAT(text,
                HasSubstr(prefix + "request_predicted_ttft_seconds_count" + labels + "} 1\n"));
  }
  EXPECT_THAT(text, HasSubstr("nacelle_router_latency_samples_total{role=\"decode\","
                              "server_type=\"vllm\",target=\"ttft\"} 100\n"));
}

}  // namespace
}  // namespace nacelle::router::latency
