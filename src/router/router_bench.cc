// The pick at 4, 100 and 1,000 endpoints with an 8,000-token prompt, half of it shared, under
// upstream's default profile and under `prefix-aware`. Prints p50 and p99 of single picks and the
// ratio of p99 to its bar (15 us at 100 endpoints, 50 us at 1,000).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "router/config/router_setup.h"
#include "router/policy.h"
#include "router/router.h"

namespace nacelle::router {
namespace {

const TimePoint kNow{std::chrono::seconds(1)};

void fill(Router& router, std::uint32_t endpoints) {
  auto pool = std::make_shared<PoolSnapshot>();
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    EndpointSnapshot endpoint;
    endpoint.id = EndpointId{i};
    endpoint.address = "10.0.0.1:8000";
    endpoint.metrics = {true, kNow, static_cast<double>(i % 7), 1, 0.1, 16, 20000};
    pool->endpoints.push_back(endpoint);
  }
  router.publish(pool);
}

// 125 blocks of 64 tokens; the first 63 are one of 150 shared beginnings.
std::vector<std::vector<std::uint64_t>> make_prompts(std::mt19937_64& random) {
  std::vector<std::vector<std::uint64_t>> prompts(2000);
  for (auto& prompt : prompts) {
    prompt.resize(125);
    const std::uint64_t group = random() % 150 + 1;
    for (std::size_t b = 0; b < prompt.size(); ++b) {
      prompt[b] = b < 63 ? (group * 1000 + b) * 0x9E3779B97F4A7C15u : random();
    }
  }
  return prompts;
}

void pick(benchmark::State& state, std::string_view config) {
  Router router(std::move(load_router_setup(config, "bench")->schedule));
  const auto endpoints = static_cast<std::uint32_t>(state.range(0));
  fill(router, endpoints);
  std::mt19937_64 random(1);
  const auto prompts = make_prompts(random);
  std::size_t next = 0;
  std::vector<double> microseconds;
  const auto one = [&] {
    RoutingRequest request;
    request.block_hashes = prompts[next++ % prompts.size()];
    request.prompt_tokens = 8000;
    request.random = random();
    const auto begin = std::chrono::steady_clock::now();
    auto placement = router.pick(request, kNow);
    benchmark::DoNotOptimize(placement);
    const auto end = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::micro>(end - begin).count();
  };
  for (std::size_t i = 0; i < prompts.size(); ++i) (void)one();  // caches and tables are filled
  for (auto _ : state) microseconds.push_back(one());
  std::sort(microseconds.begin(), microseconds.end());
  const auto quantile = [&](double q) {
    return microseconds[static_cast<std::size_t>(q * static_cast<double>(microseconds.size() - 1))];
  };
  state.counters["p50_us"] = quantile(0.5);
  state.counters["p99_us"] = quantile(0.99);
  const double bar = endpoints == 100 ? 15 : endpoints == 1000 ? 50 : 0;
  if (bar > 0) state.counters["p99/bar"] = quantile(0.99) / bar;
}

BENCHMARK_CAPTURE(pick, default_profile, std::string_view(""))
    ->Arg(4)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(pick, prefix_aware, policy_config("prefix-aware").value())
    ->Arg(4)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace nacelle::router
