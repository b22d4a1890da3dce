// The product over the shapes of a 0.6 B model. Each line shows the best iteration's rate and its
// share of what the machine reaches in registers (flop_share) or when it only reads (read_share).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "base/check.h"
#include "kernels/bench/machine_rates.h"
#include "kernels/gemm/gemm.h"
#include "tensor/convert.h"

namespace nacelle::kernels {
namespace {

WorkerPool& pool_of(std::size_t num_threads) {
  static std::map<std::size_t, WorkerPool> pools;
  return pools.try_emplace(num_threads, num_threads).first->second;
}

double peak_gflops(WorkerPool& pool, Isa isa, DType dtype) {
  return register_gflops(pool, isa, isa == Isa::kAvx512Bf16 && dtype == DType::kBF16);
}

Buffer random_values(std::size_t count, DType dtype) {
  std::vector<float> floats(count);
  std::uint32_t state = 1;
  for (float& value : floats) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-24F - 0.5F;
  }
  Result<Buffer> made = Buffer::allocate(count * size_of(dtype));
  CHECK(made.ok());
  CHECK(convert(DType::kF32, floats.data(), dtype, made->data(), count).ok());
  return std::move(made).value();
}

struct Shape2 {
  std::size_t k;
  std::size_t n;
};

void bench_gemm(benchmark::State& state, Isa isa, DType dtype, Shape2 shape, std::size_t m,
                std::size_t num_threads) {
  if (!is_supported(isa)) {
    state.SkipWithError("not on this CPU");
    return;
  }
  WorkerPool& pool = pool_of(num_threads);
  // Several copies, 256 MiB in all, so that one call does not find its weights in a cache.
  const std::size_t bytes = shape.k * shape.n * size_of(dtype);
  const std::size_t copies = std::max<std::size_t>(1, (std::size_t{256} << 20) / bytes);
  const Buffer weights = random_values(shape.k * shape.n, dtype);
  const TensorView part(weights.data(), dtype, Shape{shape.n, shape.k});
  std::vector<PackedMatrix> packed;
  for (std::size_t i = 0; i < copies; ++i) {
    Result<PackedMatrix> made = PackedMatrix::pack({&part, 1}, isa, pool);
    CHECK(made.ok());
    packed.push_back(std::move(made).value());
  }
  const Buffer x = random_values(m * shape.k, dtype);
  std::vector<float> out(m * shape.n);
  double best = 1e30;
  std::size_t turn = 0;
  for (auto _ : state) {
    const Stopwatch watch(pool);
    gemm(pool, x.data(), shape.k, m, packed[turn++ % copies], nullptr, out.data(), shape.n);
    best = std::min(best, watch.seconds());
  }
  const double gflops = 2e-9 * static_cast<double>(m * shape.k * shape.n) / best;
  const double gbytes = 1e-9 * static_cast<double>(bytes) / best;
  state.counters["GFLOP/s"] = gflops;
  state.counters["GB/s"] = gbytes;
  state.counters["flop_share"] = gflops / peak_gflops(pool, isa, dtype);
  state.counters["read_share"] = gbytes / read_gbytes_per_s(pool);
}

void bench_peaks(benchmark::State& state, std::size_t num_threads) {
  WorkerPool& pool = pool_of(num_threads);
  for (auto _ : state) benchmark::DoNotOptimize(read_gbytes_per_s(pool));
  state.counters["read GB/s"] = read_gbytes_per_s(pool);
  if (is_supported(Isa::kAvx2)) {
    state.counters["avx2"] = peak_gflops(pool, Isa::kAvx2, DType::kF32);
  }
  if (is_supported(Isa::kAvx512)) {
    state.counters["avx512"] = peak_gflops(pool, Isa::kAvx512, DType::kF32);
  }
  if (is_supported(Isa::kAvx512Bf16)) {
    state.counters["bf16 pairs"] = peak_gflops(pool, Isa::kAvx512Bf16, DType::kBF16);
  }
}

void bench_pack(benchmark::State& state) {
  const Shape2 shape{1024, 32768};
  const Buffer weights = random_values(shape.k * shape.n, DType::kBF16);
  const TensorView part(weights.data(), DType::kBF16, Shape{shape.n, shape.k});
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        PackedMatrix::pack({&part, 1}, best_isa(), pool_of(threads_for_this_process())));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * weights.size()));
}

void register_threads(std::size_t threads) {
  const std::string suffix = fmt::format("threads{}", threads);
  benchmark::RegisterBenchmark(("peaks/" + suffix).c_str(), bench_peaks, threads)->Iterations(1);
  const std::vector<Shape2> shapes = {{1024, 3072}, {1024, 6144}, {3072, 1024}, {1024, 151936}};
  const auto add = [&](Isa isa, DType dtype, Shape2 shape, std::size_t m) {
    const std::string name = fmt::format("gemm/{}/{}/k{}xn{}/m{}/{}", to_string(isa),
                                         to_string(dtype), shape.k, shape.n, m, suffix);
    benchmark::RegisterBenchmark(name.c_str(), bench_gemm, isa, dtype, shape, m, threads)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  };
  for (const Shape2 shape : shapes) {
    for (const std::size_t m : {1, 8, 64, 512}) {
      if (shape.n > 100000 && m > 64) continue;  // logits are asked of few rows
      add(Isa::kAvx512Bf16, DType::kBF16, shape, m);
      add(Isa::kAvx512, DType::kBF16, shape, m);
      add(Isa::kAvx2, DType::kBF16, shape, m);
      if (shape.n == 3072) {
        add(Isa::kAvx512, DType::kF32, shape, m);
        add(Isa::kAvx512, DType::kF16, shape, m);
      }
    }
  }
}

int register_all() {
  benchmark::RegisterBenchmark("pack/bf16/1024x32768", bench_pack)->UseRealTime();
  register_threads(1);
  if (threads_for_this_process() > 1) register_threads(threads_for_this_process());
  return 0;
}

[[maybe_unused]] const int kRegistered = register_all();

}  // namespace
}  // namespace nacelle::kernels
