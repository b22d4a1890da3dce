// The bars of the precise index: blocks applied per second and core, bytes per block, time of a
// match.
//
//   router_bench --benchmark_filter=Precise
//
// Counters beside each time say what share of its bar a figure is; 1 or more is a pass.
#include <benchmark/benchmark.h>

#include <random>

#include "router/core/precise_index.h"

namespace nacelle::router {
namespace {

constexpr std::uint32_t kEndpoints = 100, kBlocks = 60'000, kPerEvent = 32;
constexpr double kBarBlocksPerSecond = 1e6, kBarBytes = 150e6, kBarMatchSeconds = 5e-6;

std::uint64_t spread(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

std::vector<std::uint64_t> chain(std::uint64_t seed, std::size_t length) {
  std::vector<std::uint64_t> keys(length);
  for (std::size_t i = 0; i < length; ++i) keys[i] = spread(seed * 0x9E3779B97F4A7C15u + i + 1);
  return keys;
}

// Events of `kPerEvent` blocks from the endpoints in turn; `shared`: all hold the same blocks.
void fill(PreciseIndex& index, std::uint32_t endpoints, bool shared) {
  for (std::uint32_t first = 0; first < kBlocks; first += kPerEvent) {
    for (std::uint32_t e = 0; e < endpoints; ++e) {
      const std::uint64_t owner = shared ? 0 : e;
      index.store(EndpointId{e}, Plane::kGpu, chain(owner << 32 | first, kPerEvent));
    }
  }
}

void BM_PreciseFill(benchmark::State& state) {
  const bool shared = state.range(0) != 0;
  double bytes = 0;
  for (auto _ : state) {
    PreciseIndex index({});
    fill(index, kEndpoints, shared);
    bytes = static_cast<double>(index.bytes());
  }
  const double blocks = double{kEndpoints} * kBlocks;
  state.SetLabel(shared ? "100 endpoints x 60,000 blocks, the same"
                        : "100 endpoints x 60,000 blocks, all distinct");
  state.counters["blocks/s"] =
      benchmark::Counter(blocks, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["x 1M/s"] = benchmark::Counter(blocks / kBarBlocksPerSecond,
                                                benchmark::Counter::kIsIterationInvariantRate);
  state.counters["MB"] = bytes / 1e6;
  state.counters["150MB/x"] = kBarBytes / bytes;
}
BENCHMARK(BM_PreciseFill)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// A full cache: every new block takes the place of an old one.
void BM_PreciseTurnover(benchmark::State& state) {
  PreciseIndex index({});
  fill(index, kEndpoints, false);
  std::uint64_t round = 0;
  for (auto _ : state) {
    const EndpointId endpoint{static_cast<std::uint32_t>(round % kEndpoints)};
    const std::uint32_t first =
        static_cast<std::uint32_t>(round / kEndpoints * kPerEvent) % kBlocks;
    const auto old = chain(std::uint64_t{endpoint.value} << 32 | first, kPerEvent);
    index.remove(endpoint, Plane::kGpu, old);
    index.store(endpoint, Plane::kGpu, old);
    ++round;
  }
  state.counters["x 1M/s"] = benchmark::Counter(2.0 * kPerEvent / kBarBlocksPerSecond,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_PreciseTurnover);

// 500 blocks of a prompt (8,000 tokens) that all endpoints hold to a different depth, beside
// `others` distinct blocks that fill the caches.
void BM_PreciseMatch(benchmark::State& state) {
  const auto endpoints = static_cast<std::uint32_t>(state.range(0));
  PreciseIndex index({});
  if (state.range(1) != 0) fill(index, kEndpoints, false);
  const auto prompt = chain(77, 500);
  for (std::uint32_t e = 0; e < endpoints; ++e) {
    index.store(EndpointId{e}, Plane::kGpu, std::span(prompt).first(1 + (e * 7919u) % 500));
  }
  index.store(EndpointId{0}, Plane::kGpu, prompt);
  MatchScratch scratch;
  std::vector<PreciseMatch> out(endpoints);
  for (auto _ : state) {
    index.match(prompt, scratch, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["5us/x"] =
      benchmark::Counter(kBarMatchSeconds, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_PreciseMatch)
    ->ArgNames({"endpoints", "full"})
    ->Args({100, 0})
    ->Args({1000, 0})
    ->Args({100, 1});

}  // namespace
}  // namespace nacelle::router
