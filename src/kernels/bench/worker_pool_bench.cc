// What a fork-join costs. `run` is compared with the least there is: one message to another core
// and back (round_trips = run / that). `busy` runs 8 tasks of about 20 us while other threads want
// every CPU: mean and worst wall time, as multiples of the same work done inline without company.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "kernels/threads/affinity.h"
#include "kernels/worker_pool.h"

namespace nacelle::kernels {
namespace {

using std::chrono::steady_clock;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// Seconds for one message to a thread of another CPU and back; both spin. The best of several
// rounds. 0 on one CPU.
double round_trip_seconds() {
  static const double known = [] {
    const CpuList cpus = allowed_cpus();
    if (cpus.size() < 2) return 0.0;
    constexpr int kMessages = 2000;
    std::atomic<int> there{0};
    std::atomic<int> back{0};
    std::thread echo([&] {
      for (int i = 1; i <= 20 * kMessages; ++i) {
        while (there.load(std::memory_order_acquire) < i) {
        }
        back.store(i, std::memory_order_release);
      }
    });
    double best = 1;
    for (int round = 0; round < 20; ++round) {
      const auto start = steady_clock::now();
      for (int i = 1; i <= kMessages; ++i) {
        const int message = round * kMessages + i;
        there.store(message, std::memory_order_release);
        while (back.load(std::memory_order_acquire) < message) {
        }
      }
      best = std::min(best, seconds_since(start) / kMessages);
    }
    echo.join();
    return best;
  }();
  return known;
}

void bench_run(benchmark::State& state) {
  WorkerPool pool(threads_for_this_process());
  const auto tasks = static_cast<std::size_t>(state.range(0));
  double best = 1;
  for (auto _ : state) {
    constexpr int kRuns = 500;
    const auto start = steady_clock::now();
    for (int i = 0; i < kRuns; ++i) {
      pool.run(tasks, [](std::size_t task) { benchmark::DoNotOptimize(task); });
    }
    best = std::min(best, seconds_since(start) / kRuns);
  }
  state.counters["ns"] = best * 1e9;
  state.counters["ns_per_task"] = best * 1e9 / static_cast<double>(tasks);
  state.counters["round_trip_ns"] = round_trip_seconds() * 1e9;
  if (round_trip_seconds() > 0) state.counters["round_trips"] = best / round_trip_seconds();
}

// About `micros` of arithmetic on a machine of today; how long exactly is measured by the caller.
void work(int micros) {
  double value = 1;
  for (int i = 0; i < micros * 250; ++i) value = value * 0.999999 + 1e-9;
  benchmark::DoNotOptimize(value);
}

void bench_busy(benchmark::State& state) {
  const auto num_busy = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t kTasks = 8;
  WorkerPool alone(1);
  double inline_seconds = 1;
  for (int i = 0; i < 200; ++i) {
    const auto start = steady_clock::now();
    alone.run(kTasks, [](std::size_t) { work(20); });
    inline_seconds = std::min(inline_seconds, seconds_since(start));
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (std::size_t i = 0; i < num_busy; ++i) {
    busy.emplace_back([&stop] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  }
  WorkerPool pool(threads_for_this_process());
  std::vector<double> times;
  for (auto _ : state) {
    const auto start = steady_clock::now();
    pool.run(kTasks, [](std::size_t) { work(20); });
    times.push_back(seconds_since(start));
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
  std::ranges::sort(times);
  double sum = 0;
  for (const double time : times) sum += time;
  state.counters["inline_us"] = inline_seconds * 1e6;
  state.counters["median"] = times[times.size() / 2] / inline_seconds;
  state.counters["mean"] = sum / static_cast<double>(times.size()) / inline_seconds;
  state.counters["p99"] = times[times.size() * 99 / 100] / inline_seconds;
}

BENCHMARK(bench_run)->Name("pool/run")->Arg(2)->Arg(8)->Arg(64)->UseRealTime();
BENCHMARK(bench_busy)->Name("pool/busy")->Arg(0)->Arg(1)->Arg(2)->Iterations(5000)->UseRealTime();

}  // namespace
}  // namespace nacelle::kernels
