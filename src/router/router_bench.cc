// The pick at 100 and 1,000 endpoints with an 8,000-token prompt, half of it shared.
#include <benchmark/benchmark.h>

#include <random>

#include "router/policy.h"
#include "router/router.h"

namespace nacelle::router {
namespace {

void pick(benchmark::State& state) {
  const TimePoint now{std::chrono::seconds(1)};
  Router router(make_policy("prefix-aware").value());
  auto pool = std::make_shared<PoolSnapshot>();
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) {
    EndpointSnapshot endpoint;
    endpoint.id = EndpointId{i};
    endpoint.address = "10.0.0.1:8000";
    endpoint.metrics = {true, now, static_cast<double>(i % 7), 1, 0.1, 16, 20000};
    pool->endpoints.push_back(endpoint);
  }
  router.publish(pool);
  std::mt19937_64 random(1);
  std::vector<std::vector<std::uint64_t>> prompts(2000);
  for (auto& prompt : prompts) {
    prompt.resize(125);
    const std::uint64_t group = random() % 150 + 1;
    for (std::size_t b = 0; b < prompt.size(); ++b) {
      prompt[b] = b < 63 ? (group * 1000 + b) * 0x9E3779B97F4A7C15u : random();
    }
  }
  std::size_t next = 0;
  for (auto _ : state) {
    RoutingRequest request;
    request.block_hashes = prompts[next++ % prompts.size()];
    request.prompt_tokens = 8000;
    request.random = random();
    auto placement = router.pick(request, now);
    benchmark::DoNotOptimize(placement);
  }
}
BENCHMARK(pick)->Arg(4)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace nacelle::router
