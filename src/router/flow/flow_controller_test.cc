#include "router/flow/flow_controller.h"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/runtime.h"
#include "async/task_scope.h"

namespace nacelle::router::flow {
namespace {

using async::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A pool of one endpoint with `capacity` places, and requests that are admitted by name.
class FlowControllerTest : public ::testing::Test {
 protected:
  void start(FlowControlConfig config, std::uint64_t capacity = 1) {
    config.detector.kind = DetectorKind::kConcurrency;
    config.detector.max_concurrency = capacity;
    clock.advance(1s);
    controller = std::make_unique<FlowController>(
        config,
        [this](TimePoint, std::vector<EndpointLoad>& out) {
          if (endpoints == 0) return;
          out.resize(endpoints);
          out[0].in_flight_requests = placed;
        },
        clock, &flow_metrics);
    runtime.start();
  }

  template <class T>
  T run(Task<T> task) {
    return run_blocking(runtime.loop(0), std::move(task));
  }

  std::string value_of(const std::string& series) const {
    const std::string text = metrics.serialize();
    const auto at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "absent";
    const auto begin = at + series.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  async::Runtime runtime{2};
  ManualClock clock;
  telemetry::Metrics metrics;
  FlowMetrics flow_metrics{metrics, "pool"};
  std::atomic<std::uint64_t> placed{0};
  std::atomic<std::size_t> endpoints{1};
  std::unique_ptr<FlowController> controller;
};

struct Waiting {
  AdmitCancel cancel;
  std::optional<AdmitResult> result;
};

Task<void> admit_into(FlowController* controller, FlowRequest request, Waiting* slot) {
  slot->result = co_await controller->admit(std::move(request), &slot->cancel);
}

// Lets everything that was posted to the loop run.
Task<void> settle(async::Loop* loop) {
  for (int turn = 0; turn < 4; ++turn) {
    async::Event event(*loop);
    loop->post([&event] { event.set(); });
    (void)co_await event.wait();
  }
}

FlowRequest request(std::string flow, int priority = 0) {
  FlowRequest out;
  out.fairness_id = std::move(flow);
  out.priority = priority;
  out.bytes = 10;
  out.model = "m";
  out.target_model = "t";
  return out;
}

TEST_F(FlowControllerTest, ARequestGoesAtOnceWhileThereIsRoomAndTheNextWaitsForItsEnd) {
  start({});
  auto body = [](FlowController* controller, std::atomic<std::uint64_t>* placed,
                 async::Loop* loop) -> Task<bool> {
    AdmitResult first = co_await controller->admit(request("a"));
    EXPECT_TRUE(first.admitted());
    ++*placed;
    first.admission.placed();
    async::StopScope scope(*loop);
    Waiting second;
    scope.spawn(admit_into(controller, request("a"), &second));
    co_await settle(loop);
    EXPECT_FALSE(second.result.has_value());
    EXPECT_EQ(controller->stats().waiting, 1u);
    --*placed;
    first.admission.release();
    co_await scope.join();
    co_return second.result->admitted();
  };
  EXPECT_TRUE(run(body(controller.get(), &placed, &runtime.loop(0))));
  EXPECT_EQ(controller->stats().in_flight, 0u);
  EXPECT_EQ(value_of("llm_d_epp_flow_control_requests_total{outcome=\"Dispatched\",priority=\"0\","
                     "inference_pool=\"pool\"}"),
            "2");
  for (const std::string prefix : {"llm_d_epp_", "inference_extension_"}) {
    EXPECT_EQ(
        value_of(prefix + "flow_control_queue_size{fairness_id=\"a\",priority=\"0\","
                          "inference_pool=\"pool\",model_name=\"m\",target_model_name=\"t\"}"),
        "0");
  }
}

// Reservation: none of these was placed when the next one asked.
TEST_F(FlowControllerTest, ABurstCannotOvershootBeforeItIsPlaced) {
  start({}, 3);
  auto body = [](FlowController* controller, async::Loop* loop) -> Task<int> {
    async::StopScope scope(*loop);
    std::deque<Waiting> burst(20);
    for (Waiting& slot : burst) scope.spawn(admit_into(controller, request("a"), &slot));
    co_await settle(loop);
    int admitted = 0;
    for (const Waiting& slot : burst) admitted += slot.result.has_value() ? 1 : 0;
    controller->shut_down();
    co_await scope.join();
    co_return admitted;
  };
  EXPECT_EQ(run(body(controller.get(), &runtime.loop(0))), 3);
}

TEST_F(FlowControllerTest, EndingsOfAWaitHaveTheirStatusAndReason) {
  FlowControlConfig config;
  config.default_band.max_requests = 3;
  start(config);
  auto body = [](FlowController* controller, ManualClock* clock,
                 async::Loop* loop) -> Task<std::vector<std::string>> {
    const auto told = [](const Waiting& slot) {
      if (!slot.result.has_value()) return std::string("waits");
      const Refusal& refusal = slot.result->refusal;
      return std::to_string(refusal.http_status()) + " " + std::string(refusal.reason_header());
    };
    AdmitResult running = co_await controller->admit(request("a"));
    async::StopScope scope(*loop);
    Waiting left, old, held, full, late;
    scope.spawn(admit_into(controller, request("a"), &left));
    scope.spawn(admit_into(controller, request("b"), &old));
    FlowRequest patient = request("c");
    patient.ttl = std::chrono::hours(1);
    scope.spawn(admit_into(controller, std::move(patient), &held));
    co_await settle(loop);
    scope.spawn(admit_into(controller, request("d"), &full));
    co_await settle(loop);
    left.cancel.cancel();
    co_await settle(loop);
    clock->advance(60s);
    controller->tick();
    co_await settle(loop);
    std::vector<std::string> out{told(left), told(old), told(held), told(full)};
    controller->shut_down();
    scope.spawn(admit_into(controller, request("e"), &late));
    co_await scope.join();
    out.push_back(told(held));
    out.push_back(told(late));
    EXPECT_THAT(full.result->refusal.body(),
                HasSubstr("inference error: ResourceExhausted - 3 requests with 30 bytes wait"));
    co_return out;
  };
  EXPECT_THAT(run(body(controller.get(), &clock, &runtime.loop(0))),
              ElementsAre("503 rejected-context-cancelled", "429 rejected-ttl-expired", "waits",
                          "429 rejected-saturated", "503 rejected-shutting-down",
                          "503 rejected-shutting-down"));
}

TEST_F(FlowControllerTest, RequestsWaitForAnEmptyPoolToFill) {
  FlowControlConfig config;
  config.no_endpoint_request_ttl = 10s;
  start(config, 8);
  endpoints = 0;
  auto body = [](FlowController* controller, ManualClock* clock,
                 std::atomic<std::size_t>* endpoints, async::Loop* loop) -> Task<std::string> {
    async::StopScope scope(*loop);
    Waiting early, lucky;
    scope.spawn(admit_into(controller, request("a"), &early));
    co_await settle(loop);
    clock->advance(9s);
    scope.spawn(admit_into(controller, request("a"), &lucky));
    co_await settle(loop);
    clock->advance(1s);
    controller->tick();
    co_await settle(loop);
    EXPECT_FALSE(lucky.result.has_value());
    *endpoints = 1;  // the autoscaler brought one up
    controller->on_pool_change();
    co_await scope.join();
    EXPECT_TRUE(lucky.result->admitted());
    EXPECT_EQ(early.result->refusal.outcome, Outcome::kEvictedNoEndpoints);
    co_return std::string(early.result->refusal.reason_header());
  };
  EXPECT_EQ(run(body(controller.get(), &clock, &endpoints, &runtime.loop(0))),
            "rejected-no-endpoints");
}

TEST_F(FlowControllerTest, WithoutTheGateOnlySheddableRequestsAreRefused) {
  FlowControlConfig config;
  config.enabled = false;
  start(config);
  auto body = [](FlowController* controller) -> Task<void> {
    AdmitResult a = co_await controller->admit(request("a", -1));
    AdmitResult b = co_await controller->admit(request("a", 0));  // saturated, but not sheddable
    AdmitResult c = co_await controller->admit(request("a", -1));
    EXPECT_TRUE(a.admitted());
    EXPECT_TRUE(b.admitted());
    EXPECT_EQ(c.refusal.http_status(), 429);
    EXPECT_EQ(c.refusal.message, "system saturated, sheddable request dropped");
  };
  run(body(controller.get()));
}

TEST_F(FlowControllerTest, ARunningSheddableRequestGivesWay) {
  FlowControlConfig config;
  config.enable_eviction = true;
  start(config, 2);
  auto body = [](FlowController* controller, async::Loop* loop) -> Task<std::string> {
    std::string evicted;
    std::vector<AdmitResult> running;
    for (const char* name : {"old", "new"}) {
      FlowRequest low = request(name, -1);
      low.on_evicted = [name, &evicted](const Refusal& refusal) {
        evicted +=
            std::string(name) + ": " + refusal.body() + ", " + std::string(refusal.reason_header());
      };
      running.push_back(co_await controller->admit(std::move(low)));
    }
    async::StopScope scope(*loop);
    Waiting sheddable, high;
    scope.spawn(admit_into(controller, request("x", -1), &sheddable));
    co_await settle(loop);
    controller->tick();
    co_await settle(loop);
    EXPECT_EQ(evicted, "");  // an equal does not push anybody out
    scope.spawn(admit_into(controller, request("x", 1), &high));
    co_await settle(loop);
    controller->tick();
    controller->tick();  // one round at a time
    co_await settle(loop);
    running[1].admission.release();
    co_await settle(loop);
    EXPECT_TRUE(high.result.has_value());
    EXPECT_FALSE(sheddable.result.has_value());
    controller->shut_down();
    co_await scope.join();
    co_return evicted;
  };
  EXPECT_EQ(run(body(controller.get(), &runtime.loop(0))),
            "new: request evicted by flow control, evicted");
  EXPECT_EQ(value_of("llm_d_epp_flow_control_revocations_issued_total{priority=\"-1\","
                     "inference_pool=\"pool\"}"),
            "1");
}

TEST_F(FlowControllerTest, ACancelledTaskLeavesTheQueue) {
  start({});
  auto body = [](FlowController* controller, async::Loop* loop) -> Task<void> {
    AdmitResult running = co_await controller->admit(request("a"));
    async::StopScope scope(*loop);
    Waiting slot;
    scope.spawn(admit_into(controller, request("a"), &slot));
    co_await settle(loop);
    scope.cancel();
    co_await scope.join();
    EXPECT_EQ(controller->stats().waiting, 0u);
  };
  run(body(controller.get(), &runtime.loop(0)));
}

// Two loops, each with tasks that admit, hold for some turns, and end or leave.
struct Crowd {
  FlowController* controller;
  std::atomic<std::int64_t>* inside;
  std::atomic<std::int64_t>* most;
  std::atomic<std::uint64_t>* outcomes;
};

Task<void> one_of_the_crowd(Crowd crowd, async::Loop* loop, int number) {
  for (int i = 0; i < 50; ++i) {
    AdmitCancel cancel;
    if ((number + i) % 7 == 0) loop->post([&cancel] { cancel.cancel(); });
    FlowRequest ask = request(std::to_string(number % 5), number % 3 - 1);
    AdmitResult result = co_await crowd.controller->admit(std::move(ask), &cancel);
    ++*crowd.outcomes;
    if (!result.admitted()) {
      co_await settle(loop);  // the posted cancel() has run before `cancel` goes
      continue;
    }
    const std::int64_t now_inside = ++*crowd.inside;
    std::int64_t seen = crowd.most->load();
    while (seen < now_inside && !crowd.most->compare_exchange_weak(seen, now_inside)) {
    }
    co_await settle(loop);
    --*crowd.inside;
    result.admission.used(10, 5);
  }
}

TEST_F(FlowControllerTest, ManyLoopsNeverExceedTheCapacityAndEveryRequestEndsOnce) {
  FlowControlConfig config;
  config.default_band.fairness = FairnessKind::kProgramAware;
  start(config, 4);
  std::atomic<std::int64_t> inside{0}, most{0};
  std::atomic<std::uint64_t> outcomes{0};
  const Crowd crowd{controller.get(), &inside, &most, &outcomes};
  auto on_loop = [](Crowd c, async::Loop* loop) -> Task<void> {
    async::StopScope scope(*loop);
    for (int i = 0; i < 20; ++i) scope.spawn(one_of_the_crowd(c, loop, i));
    co_await scope.join();
  };
  std::thread other([&] { run_blocking(runtime.loop(1), on_loop(crowd, &runtime.loop(1))); });
  run_blocking(runtime.loop(0), on_loop(crowd, &runtime.loop(0)));
  other.join();
  EXPECT_EQ(outcomes.load(), 2u * 20 * 50);
  EXPECT_LE(most.load(), 4);
  EXPECT_GE(most.load(), 2);
  EXPECT_EQ(controller->stats().waiting, 0u);
  EXPECT_EQ(controller->stats().in_flight, 0u);
}

}  // namespace
}  // namespace nacelle::router::flow
