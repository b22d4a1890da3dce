// The product over the shapes of a 0.6 B model and larger ones, for every format of weights. Each
// line shows the best iteration's rate and its share of what the machine reaches in registers
// (flop_share) or when it only reads (read_share).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "base/check.h"
#include "kernels/bench/int8_rate.h"
#include "kernels/bench/machine_rates.h"
#include "kernels/gemm/gemm.h"
#include "tensor/convert.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kGroupSize = 128;

struct Case {
  Isa isa;
  DType dtype;          // of the activations
  WeightFormat format;  // int8, int4, or the dtype's
  std::size_t k, n, m;
  bool silu_mul;  // gemm_silu_mul() of n / 2 outputs
  std::size_t num_threads;
};

WorkerPool& pool_of(std::size_t num_threads) {
  static std::map<std::size_t, WorkerPool> pools;
  return pools.try_emplace(num_threads, num_threads).first->second;
}

double peak_gflops(WorkerPool& pool, Isa isa, DType dtype) {
  return register_gflops(pool, isa, isa >= Isa::kAvx512Bf16 && dtype == DType::kBF16);
}

// The set whose int8 instructions a set's kernels use.
Isa int8_instructions(Isa isa) {
  return isa == Isa::kAvx512Bf16 || isa == Isa::kAmxEmulated ? Isa::kAvx512Vnni : isa;
}

double peak_of(WorkerPool& pool, const Case& c) {
  if (c.format == WeightFormat::kInt8) {
    const double rate = register_int8_gops(pool, int8_instructions(c.isa));
    if (rate > 0) return rate;
  }
  return peak_gflops(pool, c.isa, c.dtype);
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

// Copies of one weight, 256 MiB in all, so that one call does not find it in a cache.
std::vector<PackedMatrix> make_weights(const Case& c, WorkerPool& pool) {
  const std::size_t n = c.silu_mul ? c.n / 2 : c.n;
  const Buffer dense = random_values(c.k * n, c.dtype);
  const TensorView view(dense.data(), c.dtype, Shape{n, c.k});
  const Stacking stacking = c.silu_mul ? Stacking::kAlternatingPanels : Stacking::kOneAfterTheOther;
  const std::size_t num_parts = c.silu_mul ? 2 : 1;
  const auto pack = [&]() -> Result<PackedMatrix> {
    if (c.format == WeightFormat::kInt8) {
      ASSIGN_OR_RETURN(const OwnedInt8Weight owned, quantize_int8(view, pool));
      const std::vector<Int8Weight> parts(num_parts, owned.view());
      return PackedMatrix::pack(parts, c.dtype, c.isa, pool, stacking);
    }
    if (c.format == WeightFormat::kInt4) {
      ASSIGN_OR_RETURN(const OwnedInt4Weight owned, quantize_int4(view, kGroupSize, pool));
      const std::vector<Int4Weight> parts(num_parts, owned.view());
      return PackedMatrix::pack(parts, c.dtype, c.isa, pool, stacking);
    }
    const std::vector<TensorView> parts(num_parts, view);
    return PackedMatrix::pack(parts, c.isa, pool, stacking);
  };
  std::vector<PackedMatrix> packed;
  Result<PackedMatrix> made = pack();
  CHECK(made.ok());
  const std::size_t bytes = made->size_bytes();
  const PackedMatrix::Description description = made->description();
  packed.push_back(std::move(made).value());
  while (packed.size() * bytes < std::size_t{256} << 20) {
    Result<Buffer> copy = Buffer::allocate(bytes);
    CHECK(copy.ok());
    std::memcpy(copy->data(), packed[0].data(), bytes);
    auto owner = std::make_shared<Buffer>(std::move(copy).value());
    const std::span<const std::byte> view_of_copy = owner->bytes();
    packed.push_back(PackedMatrix::adopt(description, view_of_copy, std::move(owner)).value());
  }
  return packed;
}

void bench_gemm(benchmark::State& state, const Case& c) {
  if (!is_supported(c.isa)) {
    state.SkipWithError("not on this CPU");
    return;
  }
  WorkerPool& pool = pool_of(c.num_threads);
  const std::vector<PackedMatrix> packed = make_weights(c, pool);
  const Buffer x = random_values(c.m * c.k, c.dtype);
  Result<Buffer> out = Buffer::allocate(c.m * c.n * sizeof(float));
  CHECK(out.ok());
  std::memset(out->data(), 0, out->size());
  double best = 1e30;
  std::size_t turn = 0;
  for (auto _ : state) {
    const PackedMatrix& weights = packed[turn++ % packed.size()];
    const Stopwatch watch(pool);
    if (c.silu_mul) {
      gemm_silu_mul(pool, x.data(), c.k, c.m, weights, nullptr, {out->data(), c.dtype, c.n / 2});
    } else {
      gemm(pool, x.data(), c.k, c.m, weights, nullptr, out->as<float>().data(), c.n);
    }
    best = std::min(best, watch.seconds());
  }
  const double gflops = 2e-9 * static_cast<double>(c.m * c.k * c.n) / best;
  const double gbytes = 1e-9 * static_cast<double>(packed[0].size_bytes()) / best;
  state.counters["GFLOP/s"] = gflops;
  state.counters["GB/s"] = gbytes;
  state.counters["flop_share"] = gflops / peak_of(pool, c);
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
  if (is_supported(Isa::kAvx512Vnni)) {
    state.counters["int8"] = register_int8_gops(pool, Isa::kAvx512Vnni);
  }
  if (is_supported(Isa::kAmx)) {
    state.counters["bf16 tiles"] = peak_gflops(pool, Isa::kAmx, DType::kBF16);
    state.counters["int8 tiles"] = register_int8_gops(pool, Isa::kAmx);
  }
}

void bench_pack(benchmark::State& state) {
  constexpr std::size_t kK = 1024;
  constexpr std::size_t kN = 32768;
  const Buffer weights = random_values(kK * kN, DType::kBF16);
  const TensorView part(weights.data(), DType::kBF16, Shape{kN, kK});
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        PackedMatrix::pack({&part, 1}, best_isa(), pool_of(threads_for_this_process())));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * weights.size()));
}

void add(const Case& c) {
  const std::string name = fmt::format(
      "{}/{}/{}x{}/k{}xn{}/m{}/threads{}", c.silu_mul ? "gemm_silu_mul" : "gemm", to_string(c.isa),
      to_string(c.dtype), to_string(c.format), c.k, c.n, c.m, c.num_threads);
  benchmark::RegisterBenchmark(name.c_str(), bench_gemm, c)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

void register_threads(std::size_t threads) {
  const std::string peaks = fmt::format("peaks/threads{}", threads);
  benchmark::RegisterBenchmark(peaks.c_str(), bench_peaks, threads)->Iterations(1);
  struct Shape2 {
    std::size_t k, n;
  };
  const DType bf16 = DType::kBF16;
  for (const auto& [k, n] : {Shape2{1024, 3072},
                             {1024, 6144},
                             {3072, 1024},
                             {1024, 151936},
                             {1024, 1024},
                             {2048, 2048},
                             {4096, 4096},
                             {8192, 1024},
                             {1024, 8192},
                             {8192, 8192}}) {
    for (const std::size_t m : {1, 8, 64, 256, 512, 2048}) {
      if (n > 100000 && m > 64) continue;  // logits are asked of few rows
      const auto one = [&](Isa isa, DType dtype, WeightFormat format) {
        add({isa, dtype, format, k, n, m, false, threads});
      };
      one(Isa::kAvx512Bf16, bf16, WeightFormat::kBF16);
      one(Isa::kAvx512Vnni, bf16, WeightFormat::kInt8);
      one(Isa::kAvx512Bf16, bf16, WeightFormat::kInt4);
      if (is_supported(Isa::kAmx)) {
        one(Isa::kAmx, bf16, WeightFormat::kBF16);
        one(Isa::kAmx, bf16, WeightFormat::kInt8);
        one(Isa::kAmx, bf16, WeightFormat::kInt4);
      }
      if (n == 6144) {
        add({Isa::kAvx512Bf16, bf16, WeightFormat::kBF16, k, n, m, true, threads});
        add({Isa::kAvx512Bf16, bf16, WeightFormat::kInt8, k, n, m, true, threads});
        add({Isa::kAvx512Bf16, bf16, WeightFormat::kInt4, k, n, m, true, threads});
      }
      if (n != 3072) continue;
      for (const Isa isa : {Isa::kAvx512, Isa::kAvx2, Isa::kPortable}) {
        one(isa, bf16, WeightFormat::kBF16);
        one(isa, bf16, WeightFormat::kInt8);
        one(isa, bf16, WeightFormat::kInt4);
      }
      if (m == 8) one(Isa::kReference, bf16, WeightFormat::kBF16);  // what kPortable spares
      one(Isa::kAvx512, DType::kF32, WeightFormat::kF32);
      one(Isa::kAvx512, DType::kF16, WeightFormat::kF16);
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
