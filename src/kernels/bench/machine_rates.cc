#include "kernels/bench/machine_rates.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <tuple>

#include "base/check.h"
#include "kernels/bench/tile_rate.h"
#include "tensor/buffer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nacelle::kernels {
namespace {

constexpr int kChains = 12;      // more than latency times issue width on every machine we know
constexpr int kWideChains = 24;  // and what 32 registers hold
// The best of many bursts of a few milliseconds: long enough that a clock that steps, or a core that
// rests before it slows down, does not pass for the limit; short enough that some are undisturbed.
constexpr int kRounds = 1'000'000;
constexpr double kSeconds = 1.5;

#if defined(__x86_64__)

#define NACELLE_KEEP(v) __asm__ volatile("" : "+x"(v))

// A product and a sum stand for the multiply-add that SSE does not have.
void spin_sse() {
  __m128 sums[kChains];
#pragma GCC unroll 12
  for (auto& sum : sums) sum = _mm_set1_ps(1.0F);
  const __m128 factor = _mm_set1_ps(0.999F);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm_add_ps(_mm_mul_ps(sums[i], factor), factor);
      NACELLE_KEEP(sums[i]);
    }
  }
}

__attribute__((target("avx2,fma"))) void spin_avx2() {
  __m256 sums[kChains];
#pragma GCC unroll 12
  for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
  const __m256 factor = _mm256_set1_ps(0.999F);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm256_fmadd_ps(sums[i], factor, factor);
      NACELLE_KEEP(sums[i]);
    }
  }
}

#undef NACELLE_KEEP
#define NACELLE_KEEP(v) __asm__ volatile("" : "+v"(v))

__attribute__((target("avx512f"))) void spin_avx512() {
  __m512 sums[kWideChains];
#pragma GCC unroll 24
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512 factor = _mm512_set1_ps(0.999F);
  for (int round = 0; round < kRounds / 2; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kWideChains; ++i) {
      sums[i] = _mm512_fmadd_ps(sums[i], factor, factor);
      NACELLE_KEEP(sums[i]);
    }
  }
}

__attribute__((target("avx512f,avx512bf16,avx512vl"))) void spin_avx512bf16() {
  __m512 sums[kWideChains];
#pragma GCC unroll 24
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512i ones = _mm512_set1_epi32(0x3f803f80);
  const auto factor = reinterpret_cast<__m512bh>(ones);
  for (int round = 0; round < kRounds / 2; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kWideChains; ++i) {
      sums[i] = _mm512_dpbf16_ps(sums[i], factor, factor);
      NACELLE_KEEP(sums[i]);
    }
  }
}

#undef NACELLE_KEEP

__attribute__((target("avx2"))) void read_all(const std::byte* data, std::size_t bytes) {
  __m256i sums[8] = {};
  for (std::size_t at = 0; at + 256 <= bytes; at += 256) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const auto* p = reinterpret_cast<const __m256i*>(data + at + 32 * i);
      sums[i] = _mm256_xor_si256(sums[i], _mm256_load_si256(p));
    }
  }
  for (auto& sum : sums) __asm__ volatile("" ::"x"(sum));
}

#endif

}  // namespace

Stopwatch::Stopwatch(const WorkerPool& pool)
    : clock_(pool.num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC), start_(now()) {}

double Stopwatch::seconds() const { return now() - start_; }

double Stopwatch::now() const {
  timespec time{};
  clock_gettime(clock_, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double register_gflops_now(WorkerPool& pool, Isa isa, bool bf16_pairs, double seconds) {
#if defined(__x86_64__)
  const auto burst = [isa, bf16_pairs] {  // returns its operations
    if (isa == Isa::kAmx && bf16_pairs) return spin_tiles(TileProduct::kBF16);
    const double steps = 2.0 * kChains * kRounds;
    if (isa == Isa::kPortable) return spin_sse(), 4 * steps;
    if (isa == Isa::kAvx2) return spin_avx2(), 8 * steps;
    return bf16_pairs ? (spin_avx512bf16(), 32 * steps) : (spin_avx512(), 16 * steps);
  };
  double best = 0;
  const Stopwatch whole(pool);
  do {
    const Stopwatch watch(pool);
    const std::size_t threads = pool.num_threads();
    double flops = 0;  // the same for each thread
    pool.run(threads, [&](std::size_t task) {
      const double done = burst();
      if (task == 0) flops = done;
    });
    best = std::max(best, flops * static_cast<double>(threads) / watch.seconds() * 1e-9);
  } while (whole.seconds() < seconds);
  return best;
#else
  (void)pool, (void)isa, (void)bf16_pairs, (void)seconds, (void)kChains, (void)kRounds;
  return 0;
#endif
}

double read_gbytes_per_s_now(WorkerPool& pool, std::span<const std::byte> memory, double seconds) {
#if defined(__x86_64__)
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  constexpr std::size_t kWindow = std::size_t{128} << 20;
  CHECK(memory.size() >= kWindow);
  double best = 0;
  std::size_t at = 0;
  const Stopwatch whole(pool);
  do {
    const std::byte* window = memory.data() + at;
    const Stopwatch watch(pool);
    pool.run(kWindow / kPiece,
             [&](std::size_t piece) { read_all(window + piece * kPiece, kPiece); });
    best = std::max(best, static_cast<double>(kWindow) / watch.seconds() * 1e-9);
    at = at + 2 * kWindow <= memory.size() ? at + kWindow : 0;
  } while (whole.seconds() < seconds);
  return best;
#else
  (void)pool, (void)memory, (void)seconds;
  return 0;
#endif
}

double register_gflops(WorkerPool& pool, Isa isa, bool bf16_pairs) {
  static std::map<std::tuple<std::size_t, Isa, bool>, double> known;
  const auto [place, fresh] = known.try_emplace({pool.num_threads(), isa, bf16_pairs}, 0.0);
  if (fresh) place->second = register_gflops_now(pool, isa, bf16_pairs, kSeconds);
  return place->second;
}

double read_gbytes_per_s(WorkerPool& pool) {
  static std::map<std::size_t, double> known;
  const auto [place, fresh] = known.try_emplace(pool.num_threads(), 0.0);
  if (fresh) {
    constexpr std::size_t kBytes = std::size_t{1} << 30;
    Result<Buffer> memory = Buffer::allocate(kBytes);
    CHECK(memory.ok());
    std::memset(memory->data(), 1, kBytes);
    place->second = read_gbytes_per_s_now(pool, memory->bytes(), kSeconds);
  }
  return place->second;
}

}  // namespace nacelle::kernels
