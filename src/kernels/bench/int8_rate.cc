#include "kernels/bench/int8_rate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "kernels/bench/machine_rates.h"
#include "kernels/bench/tile_rate.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nacelle::kernels {
namespace {

constexpr int kChains = 24;  // as in machine_rates.cc
constexpr int kRounds = 500'000;
constexpr double kSeconds = 1.5;

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vnni"))) void spin_vnni() {
  __m512i sums[kChains];
#pragma GCC unroll 24
  for (auto& sum : sums) sum = _mm512_set1_epi32(1);
  const __m512i factor = _mm512_set1_epi8(1);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], factor, factor);
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
}

// Without VNNI int8 values are multiplied as 16-bit pairs. The operand changes in the compiler's
// eyes, or it would multiply once.
__attribute__((target("avx512f,avx512bw"))) void spin_pairs_avx512() {
  __m512i sums[kChains];
#pragma GCC unroll 24
  for (auto& sum : sums) sum = _mm512_set1_epi32(1);
  __m512i factor = _mm512_set1_epi16(1);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) {
      __asm__ volatile("" : "+v"(factor));
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(factor, factor));
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
}

__attribute__((target("avx2"))) void spin_pairs_avx2() {
  __m256i sums[kChains / 2];
#pragma GCC unroll 12
  for (auto& sum : sums) sum = _mm256_set1_epi32(1);
  __m256i factor = _mm256_set1_epi16(1);
  for (int round = 0; round < 2 * kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains / 2; ++i) {
      __asm__ volatile("" : "+x"(factor));
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(factor, factor));
      __asm__ volatile("" : "+x"(sums[i]));
    }
  }
}

// Returns the operations of a burst; 0: there is none.
double spin(Isa isa) {
  constexpr double kSteps = 2.0 * kChains * kRounds;
  switch (isa) {
    case Isa::kAmx:
      return spin_tiles(TileProduct::kInt8);
    case Isa::kAvx512Vnni:
      spin_vnni();
      return 64 * kSteps;
    case Isa::kAvx512:
      spin_pairs_avx512();
      return 32 * kSteps;
    case Isa::kAvx2:
      spin_pairs_avx2();
      return 16 * kSteps;
    default:
      return 0;
  }
}
#endif

}  // namespace

double register_int8_gops_now(WorkerPool& pool, Isa isa, double seconds) {
  double best = 0;
#if defined(__x86_64__)
  if (!is_supported(isa)) return 0;
  const auto threads = static_cast<double>(pool.num_threads());
  const Stopwatch whole(pool);
  do {
    const Stopwatch watch(pool);
    double done = 0;  // the same for each thread
    pool.run(pool.num_threads(), [&](std::size_t task) {
      const double burst = spin(isa);
      if (task == 0) done = burst;
    });
    best = std::max(best, done * threads / watch.seconds() * 1e-9);
  } while (whole.seconds() < seconds);
#else
  (void)pool, (void)isa, (void)seconds, (void)kChains, (void)kRounds;
#endif
  return best;
}

double register_int8_gops(WorkerPool& pool, Isa isa) {
  static std::map<std::pair<std::size_t, Isa>, double> known;
  const auto [place, fresh] = known.try_emplace({pool.num_threads(), isa}, 0.0);
  if (fresh) place->second = register_int8_gops_now(pool, isa, kSeconds);
  return place->second;
}

}  // namespace nacelle::kernels
