// Admissions through a FlowController with 10,000 requests of 100 flows in its queues, on one loop,
// metrics on; and the queues alone. The peer is a bare FIFO semaphore on the same loop: a waiter in
// a deque, woken in a turn of its own, which is what any queue costs at least.
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "async/waiter.h"
#include "router/flow/core/flow_queues.h"
#include "router/flow/flow_controller.h"

namespace nacelle::router::flow {
namespace {

using async::Task;

constexpr int kWaiting = 10'000;
constexpr int kFlows = 100;
constexpr int kPlaces = 64;

BandConfig band(FairnessKind fairness) {
  BandConfig out;
  out.max_requests = 0;
  out.fairness = fairness;
  return out;
}

// One request leaves and one joins, at 10,000 waiting.
void BM_Queues(benchmark::State& state) {
  FlowControlConfig config;
  config.default_band = band(static_cast<FairnessKind>(state.range(0)));
  FlowQueues queues(config);
  std::vector<std::string> flows;
  for (int i = 0; i < kFlows; ++i) flows.push_back("tenant-" + std::to_string(i));
  std::deque<Ticket> tickets(kWaiting);
  TimePoint now{std::chrono::seconds(1)};
  for (int i = 0; i < kWaiting; ++i) {
    tickets[i].bytes = 1024;
    (void)queues.enqueue(tickets[i], flows[i % kFlows], 0, now += 1us);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    Ticket* ticket = queues.dispatch(0.5, now += 1us);
    (void)queues.enqueue(*ticket, flows[next++ * 7 % kFlows], 0, now);
  }
  state.SetItemsProcessed(state.iterations());
  for (Ticket& ticket : tickets) queues.remove(ticket, now);
}
BENCHMARK(BM_Queues)
    ->ArgName("fairness")
    ->Arg(static_cast<int>(FairnessKind::kGlobalStrict))
    ->Arg(static_cast<int>(FairnessKind::kRoundRobin))
    ->Arg(static_cast<int>(FairnessKind::kProgramAware));

// Counts admissions until the goal, then lets everybody go.
struct Goal {
  std::uint64_t admitted = 0;
  std::uint64_t wanted = 0;
  std::chrono::steady_clock::time_point begin, end;

  bool reached() {
    if (++admitted == wanted) end = std::chrono::steady_clock::now();
    return admitted >= wanted;
  }
  [[nodiscard]] double per_second() const {
    return static_cast<double>(wanted) / std::chrono::duration<double>(end - begin).count();
  }
};

struct Semaphore {
  int free = kPlaces;
  std::deque<async::Waiter*> waiting;
};

// A place is held for a turn of the loop, as by a forwarder.
Task<void> hold_a_turn() {
  async::Waiter turn;
  async::Loop::current()->post([&turn] { turn.resume(); });
  (void)co_await turn.wait();
}

Task<void> through_semaphore(Semaphore* semaphore, Goal* goal) {
  for (;;) {
    if (semaphore->free == 0) {
      async::Waiter waiter;
      semaphore->waiting.push_back(&waiter);
      (void)co_await waiter.wait();  // the place was handed on
    } else {
      --semaphore->free;
    }
    const bool done = goal->reached();
    if (!done) co_await hold_a_turn();
    if (semaphore->waiting.empty()) {
      ++semaphore->free;
    } else {
      semaphore->waiting.front()->post_resume();
      semaphore->waiting.pop_front();
    }
    if (done) co_return;
  }
}

Task<void> run_semaphore(async::Loop* loop, Goal* goal) {
  Semaphore semaphore;
  async::StopScope scope(*loop);
  goal->begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kWaiting; ++i) scope.spawn(through_semaphore(&semaphore, goal));
  co_await scope.join();
}

Task<void> through_controller(FlowController* controller, Goal* goal, int number) {
  for (;;) {
    FlowRequest request;
    request.fairness_id = "tenant-" + std::to_string(number % kFlows);
    request.bytes = 1024;
    request.model = "m";
    request.target_model = "m";
    AdmitResult result = co_await controller->admit(std::move(request));
    result.admission.placed();
    if (goal->reached()) co_return;
    co_await hold_a_turn();
  }
}

Task<void> run_controller(async::Loop* loop, FlowController* controller, Goal* goal) {
  async::StopScope scope(*loop);
  goal->begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kWaiting; ++i) scope.spawn(through_controller(controller, goal, i));
  co_await scope.join();
}

void BM_Controller(benchmark::State& state) {
  async::Runtime runtime(1);
  runtime.start();
  double rate = 0;
  double bare = 0;
  for (auto _ : state) {
    Goal floor{.wanted = 200'000};
    run_blocking(runtime.loop(0), run_semaphore(&runtime.loop(0), &floor));
    bare = floor.per_second();

    FlowControlConfig config;
    config.default_band = band(static_cast<FairnessKind>(state.range(0)));
    config.detector.kind = DetectorKind::kConcurrency;
    config.detector.max_concurrency = kPlaces;
    SteadyClock clock;
    telemetry::Metrics metrics;
    FlowMetrics flow_metrics(metrics, "pool");
    FlowController controller(
        config, [](TimePoint, std::vector<EndpointLoad>& out) { out.resize(1); }, clock,
        &flow_metrics);
    Goal goal{.wanted = 200'000};
    run_blocking(runtime.loop(0), run_controller(&runtime.loop(0), &controller, &goal));
    rate = goal.per_second();
  }
  state.counters["admissions/s"] = rate;
  state.counters["of_bare_semaphore"] = rate / bare;
}
BENCHMARK(BM_Controller)
    ->ArgName("fairness")
    ->Arg(static_cast<int>(FairnessKind::kGlobalStrict))
    ->Arg(static_cast<int>(FairnessKind::kRoundRobin))
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::router::flow
