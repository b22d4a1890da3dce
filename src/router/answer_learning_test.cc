// A router with the online latency model: what it learns from the answers to its own picks.
#include <gtest/gtest.h>

#include "router/latency/latency_predictor.h"
#include "router/latency/running_slos.h"
#include "router/producer/predicted_latency/predictor_source.h"
#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;

constexpr std::string_view kLatency = R"(plugins:
- type: predicted-latency-producer
  parameters: {streamingMode: true}
- type: latency-scorer
- type: max-score-picker
)";

struct AnswerLearning : ::testing::Test {
  AnswerLearning() : router(testing::router_of(kLatency, testing::pool_of(2))) {
    latency::LatencyPredictorConfig config;
    config.streaming_mode = true;
    predictor = std::make_shared<latency::LatencyPredictor>(config);
    running = std::make_shared<latency::RunningSlos>();
  }
  void attach() { router->attach(std::make_shared<PredictorSource>(predictor, running)); }
  std::uint64_t samples(latency::Target target) const {
    std::uint64_t sum = 0;
    for (const auto& quality : predictor->quality())
      if (quality.target == target) sum += quality.samples;
    return sum;
  }

  std::unique_ptr<Router> router;
  std::shared_ptr<latency::LatencyPredictor> predictor;
  std::shared_ptr<latency::RunningSlos> running;
};

TEST_F(AnswerLearning, WithoutAModelNobodyWatches) {
  EXPECT_TRUE(router->wants_latency_source());
  EXPECT_EQ(router->pick(testing::request_of({}), kStart)->observer(), nullptr);
}

TEST_F(AnswerLearning, AnswersBecomeSamplesAndPredictions) {
  attach();
  EXPECT_FALSE(router->wants_latency_source());
  TimePoint now = kStart;
  for (std::uint64_t i = 0; i < 60; ++i) {
    RoutingRequest request = testing::request_of({}, i);
    request.prompt_tokens = 100 + i % 5 * 100;
    auto placement = router->pick(request, now);
    ASSERT_TRUE(placement);
    AnswerObserver* seen = placement->observer();
    ASSERT_NE(seen, nullptr);
    seen->on_first_token(now + 200ms);
    seen->on_tokens(10, now + 400ms);  // 20 ms each
    seen->on_complete(now + 401ms);
    now += 1s;
  }
  EXPECT_EQ(samples(latency::Target::kTtft), 60u);
  EXPECT_EQ(samples(latency::Target::kTpot), 60u);
  latency::LatencyPredictor::Query query{predictor->kind_of("", ""), {}};
  query.features.input_tokens = 300;
  query.features.running_requests = 0;
  latency::LatencyPrediction predicted;
  predictor->predict({&query, 1}, {&predicted, 1});
  ASSERT_TRUE(predicted.known);
  EXPECT_NEAR(predicted.ttft_seconds, 0.2, 0.05);
  EXPECT_NEAR(predicted.tpot_seconds, 0.02, 0.005);
}

TEST_F(AnswerLearning, ARunningSloBindsItsEndpointUntilTheRequestEnds) {
  attach();
  RoutingRequest request = testing::request_of({});
  request.slo_tpot_ms = 25;
  auto placement = router->pick(request, kStart);
  ASSERT_TRUE(placement);
  const EndpointId id = placement->id();
  double strictest = 0;
  running->strictest({&id, 1}, {&strictest, 1});
  EXPECT_DOUBLE_EQ(strictest, 0.025);
  *placement = Placement();
  running->strictest({&id, 1}, {&strictest, 1});
  EXPECT_EQ(strictest, 0);
}

// The observer may outlive the router: answers take minutes, pools are made anew.
TEST_F(AnswerLearning, AnAnswerOutlivesItsRouter) {
  attach();
  auto placement = router->pick(testing::request_of({}), kStart);
  ASSERT_TRUE(placement);
  router.reset();
  predictor.reset();
  running.reset();
  placement->observer()->on_first_token(kStart + 1s);
  placement->observer()->on_tokens(3, kStart + 2s);
  placement->observer()->on_complete(kStart + 3s);
}

}  // namespace
}  // namespace nacelle::router
