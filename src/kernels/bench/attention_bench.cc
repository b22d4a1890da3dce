// Attention of a 0.6 B model (16 query heads, 8 KV heads of 128) over 2048 positions, one layer.
// flop_share: against the set's f32 register rate. read_share: K and V bytes against reading.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "base/check.h"
#include "kernels/attention/attention.h"
#include "kernels/bench/machine_rates.h"

namespace nacelle::kernels {
namespace {

constexpr std::uint32_t kHeads = 16;
constexpr std::uint32_t kContext = 2048;
constexpr std::uint32_t kBlock = 16;

void bench_attention(benchmark::State& state, Isa isa, std::uint32_t queries,
                     std::uint32_t num_sequences, std::size_t num_threads) {
  if (!is_supported(isa)) {
    state.SkipWithError("not on this CPU");
    return;
  }
  WorkerPool pool(num_threads);
  const std::uint32_t blocks = kContext / kBlock;
  const KvLayout layout{blocks * num_sequences, kBlock, 8, 128, DType::kBF16};
  Result<Buffer> memory = Buffer::allocate(layout.bytes());
  CHECK(memory.ok());
  std::vector<float> values(std::size_t{kContext} * kHeads * 128);
  std::uint32_t seed = 1;
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) * 0x1p-24F - 0.5F;
  }
  std::vector<std::vector<std::uint32_t>> tables(num_sequences);
  std::vector<AttentionSequence> batch;
  // Blocks in random order, as a pool hands them out after a while.
  std::vector<std::uint32_t> order(layout.num_blocks);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  for (std::uint32_t i = 0; i < num_sequences; ++i) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(i * blocks);
    tables[i].assign(first, first + blocks);
    const AttentionSequence all{0, kContext, kContext, tables[i]};
    store_kv({pool, isa}, layout, memory->data(), {&all, 1}, values.data(), 1024, values.data(),
             1024);
    batch.push_back({i * queries, queries, kContext, tables[i]});
  }
  std::vector<float> out(std::size_t{queries} * num_sequences * kHeads * 128);
  double best = 1e30;
  for (auto _ : state) {
    const Stopwatch watch(pool);
    paged_attention({pool, isa}, layout, memory->data(), batch, values.data(), kHeads * 128, kHeads,
                    {0.088F, 0}, {out.data(), DType::kF32, kHeads * 128});
    best = std::min(best, watch.seconds());
  }
  // Positions seen: the mean over the chunk's queries.
  const double seen = kContext - (queries - 1) / 2.0;
  const double flops = 4.0 * queries * num_sequences * kHeads * 128 * seen;
  const double bytes = static_cast<double>(layout.bytes());
  state.counters["GFLOP/s"] = flops / best * 1e-9;
  state.counters["GB/s"] = bytes / best * 1e-9;
  state.counters["flop_share"] = flops / best * 1e-9 / register_gflops(pool, isa, false);
  state.counters["read_share"] = bytes / best * 1e-9 / read_gbytes_per_s(pool);
}

void bench_store(benchmark::State& state) {
  WorkerPool pool(1);
  const KvLayout layout{64, kBlock, 8, 128, DType::kBF16};
  Result<Buffer> memory = Buffer::allocate(layout.bytes());
  CHECK(memory.ok());
  const std::vector<float> values(512 * 1024, 0.25F);
  std::vector<std::uint32_t> table(32);
  for (std::uint32_t i = 0; i < 32; ++i) table[i] = i * 2;
  const AttentionSequence all{0, 512, 512, table};
  for (auto _ : state) {
    store_kv({pool, best_isa()}, layout, memory->data(), {&all, 1}, values.data(), 1024,
             values.data(), 1024);
  }
  state.counters["per token"] = benchmark::Counter(
      512, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

int register_all() {
  benchmark::RegisterBenchmark("store_kv/512 tokens of 8x128", bench_store);
  for (const std::size_t threads : {std::size_t{1}, threads_for_this_process()}) {
    for (const Isa isa : {Isa::kAvx512Bf16, Isa::kAvx512, Isa::kAvx2, Isa::kPortable}) {
      const auto add = [&](const char* what, std::uint32_t queries, std::uint32_t sequences) {
        const std::string name =
            fmt::format("attention/{}/{}/threads{}", to_string(isa), what, threads);
        benchmark::RegisterBenchmark(name.c_str(), bench_attention, isa, queries, sequences,
                                     threads)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
      };
      add("prefill 512 of 2048", 512, 1);
      add("decode 1 x 2048", 1, 1);
      add("decode 32 x 2048", 1, 32);
    }
    if (threads_for_this_process() == 1) break;
  }
  return 0;
}

[[maybe_unused]] const int kRegistered = register_all();

}  // namespace
}  // namespace nacelle::kernels
