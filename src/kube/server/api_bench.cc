// api_bench.cc: creates, reads and watch fan-out of the embedded API server, as shares of the bars
// that the control plane asks for (2,000/s, 10,000/s, 50,000 events/s to 100 watchers).
//
// All three go through the HTTP handler, with their bodies parsed, checked, defaulted and stored;
// only the sockets are left out. Who creates waits for the disk, as callers of other processes do.
// "of_bar" above 1 meets the bar.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "async/runtime.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

std::string config_map(std::size_t number) {
  const Json body = {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", {{"name", "m" + std::to_string(number)}, {"labels", {{"app", "bench"}}}}},
      {"data", {{"text", std::string(600, 'x')}}}};
  return body.dump();
}

// `clients` threads that each wait for their answer before the next request.
template <class Request>
void run_clients(std::size_t clients, std::size_t requests, Request request) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < clients; ++c) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < requests; at = next++) request(at);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void report(benchmark::State& state, double per_second, double bar) {
  state.counters["per_s"] = per_second;
  state.counters["of_bar"] = per_second / bar;
}

void BM_Creates(benchmark::State& state) {
  ApiFixture api;
  std::size_t made = 0;
  constexpr std::size_t kRequests = 4000;
  double seconds = 0;
  for (auto _ : state) {
    const TimePoint begin = std::chrono::steady_clock::now();
    run_clients(32, kRequests, [&](std::size_t at) {
      if (api.call("POST", kMaps, config_map(made + at)).status != 201) std::abort();
      async::Loop& loop = api.runtime().loop(0);
      if (!async::run_blocking(loop, api.server().store().flushed(loop)).ok()) std::abort();
    });
    seconds += to_seconds(std::chrono::steady_clock::now() - begin);
    made += kRequests;
  }
  report(state, static_cast<double>(made) / seconds, 2000);
}
BENCHMARK(BM_Creates)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_Reads(benchmark::State& state) {
  ApiFixture api;
  for (std::size_t i = 0; i < 100; ++i) (void)api.call("POST", kMaps, config_map(i));
  constexpr std::size_t kRequests = 40000;
  double seconds = 0;
  std::size_t done = 0;
  for (auto _ : state) {
    const TimePoint begin = std::chrono::steady_clock::now();
    run_clients(8, kRequests, [&](std::size_t at) {
      if (api.call("GET", std::string(kMaps) + "/m" + std::to_string(at % 100)).status != 200) {
        std::abort();
      }
    });
    seconds += to_seconds(std::chrono::steady_clock::now() - begin);
    done += kRequests;
  }
  report(state, static_cast<double>(done) / seconds, 10000);
}
BENCHMARK(BM_Reads)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_FanOutTo100Watchers(benchmark::State& state) {
  ApiFixture api;
  constexpr std::size_t kWatchers = 100;
  constexpr std::size_t kChanges = 1000;
  std::size_t made = 0;
  double seconds = 0;
  for (auto _ : state) {
    const std::string from(version_of(api.get(std::string(kMaps) + "?limit=1").body));
    std::vector<std::unique_ptr<testing::ApiWatch>> watches;
    for (std::size_t w = 0; w < kWatchers; ++w) {
      watches.push_back(api.watch(std::string(kMaps) + "?watch=true&resourceVersion=" + from));
    }
    const TimePoint begin = std::chrono::steady_clock::now();
    run_clients(32, kChanges, [&](std::size_t at) {
      if (api.call("POST", kMaps, config_map(made + at)).status != 201) std::abort();
    });
    for (auto& watch : watches) {
      for (std::size_t i = 0; i < kChanges; ++i) {
        if (!watch->exchange().read_line().has_value()) std::abort();
      }
    }
    seconds += to_seconds(std::chrono::steady_clock::now() - begin);
    made += kChanges;
    for (auto& watch : watches) watch->exchange().leave();  // all at once, not one after the other
  }
  report(state, static_cast<double>(made * kWatchers) / seconds, 50000);
}
BENCHMARK(BM_FanOutTo100Watchers)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::kube
