// Attention of a 0.6 B model (16 query heads, 8 KV heads of 128), one layer.
// flop_share: against the set's register rate, of bf16 pairs where it has them. read_share: bytes
// of K and V that the batch holds, shared ones once, against reading.
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
constexpr std::uint32_t kBlock = 16;

struct Load {
  const char* name;
  std::uint32_t queries = 1;
  std::uint32_t sequences = 1;
  std::uint32_t context = 2048;
  std::uint32_t shared = 0;  // tokens of the context that all sequences share
  DType dtype = DType::kBF16;
};

// Block tables with blocks in random order, as a pool hands them out after a while.
std::vector<std::vector<std::uint32_t>> make_tables(const Load& load, std::uint32_t& num_blocks) {
  const std::uint32_t blocks = load.context / kBlock;
  const std::uint32_t shared = load.shared / kBlock;
  num_blocks = shared + (blocks - shared) * load.sequences;
  std::vector<std::uint32_t> order(num_blocks);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  std::vector<std::vector<std::uint32_t>> tables(load.sequences);
  auto next = order.begin() + shared;
  for (std::vector<std::uint32_t>& table : tables) {
    table.assign(order.begin(), order.begin() + shared);
    table.insert(table.end(), next, next + (blocks - shared));
    next += blocks - shared;
  }
  return tables;
}

void bench_attention(benchmark::State& state, Isa isa, const Load& load, std::size_t num_threads) {
  if (!is_supported(isa)) {
    state.SkipWithError("not on this CPU");
    return;
  }
  WorkerPool pool(num_threads);
  std::uint32_t num_blocks = 0;
  const std::vector<std::vector<std::uint32_t>> tables = make_tables(load, num_blocks);
  const KvLayout layout{num_blocks, kBlock, 8, 128, load.dtype};
  Result<Buffer> memory = Buffer::allocate(layout.bytes());
  CHECK(memory.ok());
  std::vector<float> values(std::size_t{load.context} * kHeads * 128);
  std::uint32_t seed = 1;
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) * 0x1p-24F - 0.5F;
  }
  std::vector<AttentionSequence> batch;
  for (std::uint32_t i = 0; i < load.sequences; ++i) {
    const AttentionSequence all{0, load.context, load.context, tables[i]};
    store_kv({pool, isa}, layout, memory->data(), {&all, 1}, values.data(), 1024, values.data(),
             1024);
    batch.push_back({i * load.queries, load.queries, load.context, tables[i]});
  }
  std::vector<float> out(std::size_t{load.queries} * load.sequences * kHeads * 128);
  AttentionPlan plan;
  plan.make(layout, batch, kHeads, 0, pool.num_threads());
  double best = 1e30;
  for (auto _ : state) {
    const Stopwatch watch(pool);
    paged_attention({pool, isa}, layout, memory->data(), plan, values.data(), kHeads * 128,
                    {0.088F, 0}, {out.data(), DType::kF32, kHeads * 128});
    best = std::min(best, watch.seconds());
  }
  // Positions seen: the mean over the chunk's queries.
  const double seen = load.context - (load.queries - 1) / 2.0;
  const double flops = 4.0 * load.queries * load.sequences * kHeads * 128 * seen;
  const double bytes = static_cast<double>(layout.bytes());
  state.counters["best_us"] = best * 1e6;
  state.counters["GFLOP/s"] = flops / best * 1e-9;
  state.counters["GB/s"] = bytes / best * 1e-9;
  state.counters["flop_share"] =
      flops / best * 1e-9 / register_gflops(pool, isa, isa == Isa::kAvx512Bf16);
  state.counters["read_share"] = bytes / best * 1e-9 / read_gbytes_per_s(pool);
}

// What a step pays for the plan: once, not per layer.
void bench_plan(benchmark::State& state, std::uint32_t shared) {
  std::uint32_t num_blocks = 0;
  const Load load{"", 1, 256, 2048, shared};
  const std::vector<std::vector<std::uint32_t>> tables = make_tables(load, num_blocks);
  const KvLayout layout{num_blocks, kBlock, 8, 128, DType::kBF16};
  std::vector<AttentionSequence> batch;
  for (std::uint32_t i = 0; i < load.sequences; ++i) batch.push_back({i, 1, 2048, tables[i]});
  AttentionPlan plan;
  for (auto _ : state) plan.make(layout, batch, kHeads, 0, 2);
  state.counters["tasks"] = static_cast<double>(plan.tasks().size());
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
  benchmark::RegisterBenchmark("attention_plan/256 x 2048", bench_plan, 0u);
  benchmark::RegisterBenchmark("attention_plan/256 x 2048 shared 1536", bench_plan, 1536u);
  static const Load kLoads[] = {
      {"prefill 512 of 2048", 512},
      {"prefill 512 of 16384", 512, 1, 16384},
      {"decode 1 x 2048"},
      {"decode 1 x 16384", 1, 1, 16384},
      {"decode 32 x 2048", 1, 32},
      {"decode 32 x 2048 shared 1536", 1, 32, 2048, 1536},
      {"decode 32 x 2048 fp8", 1, 32, 2048, 0, DType::kF8E4M3},
      {"decode 32 x 2048 int8", 1, 32, 2048, 0, DType::kI8},
      {"prefill 512 of 2048 fp8", 512, 1, 2048, 0, DType::kF8E4M3},
  };
  for (const std::size_t threads : {std::size_t{1}, threads_for_this_process()}) {
    for (const Isa isa : {Isa::kAvx512Bf16, Isa::kAvx512, Isa::kAvx2, Isa::kPortable}) {
      for (const Load& load : kLoads) {
        const std::string name =
            fmt::format("attention/{}/{}/threads{}", to_string(isa), load.name, threads);
        benchmark::RegisterBenchmark(name.c_str(), bench_attention, isa, load, threads)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
      }
    }
    if (threads_for_this_process() == 1) break;
  }
  return 0;
}

[[maybe_unused]] const int kRegistered = register_all();

}  // namespace
}  // namespace nacelle::kernels
