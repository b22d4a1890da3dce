#include "kernels/bench/int8_rate.h"

#include <algorithm>
#include <map>

#include "kernels/bench/machine_rates.h"
#include "kernels/bench/tile_rate.h"
#include "kernels/isa.h"

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
#endif

}  // namespace

double register_int8_gops_now(WorkerPool& pool, double seconds) {
  double best = 0;
#if defined(__x86_64__)
  if (!is_supported(Isa::kAvx512Vnni)) return 0;
  const double ops = 2.0 * 64 * kChains * kRounds * static_cast<double>(pool.num_threads());
  const Stopwatch whole(pool);
  do {
    const Stopwatch watch(pool);
    pool.run(pool.num_threads(), [&](std::size_t) { spin_vnni(); });
    best = std::max(best, ops / watch.seconds() * 1e-9);
  } while (whole.seconds() < seconds);
  if (!is_supported(Isa::kAmx)) return best;
  const Stopwatch tiles(pool);
  do {
    const Stopwatch watch(pool);
    double done = 0;  // the same for each thread
    pool.run(pool.num_threads(), [&](std::size_t task) {
      const double burst = spin_tiles(TileProduct::kInt8);
      if (task == 0) done = burst;
    });
    done *= static_cast<double>(pool.num_threads());
    best = std::max(best, done / watch.seconds() * 1e-9);
  } while (tiles.seconds() < seconds);
#else
  (void)pool, (void)seconds, (void)kChains, (void)kRounds;
#endif
  return best;
}

double register_int8_gops(WorkerPool& pool) {
  static std::map<std::size_t, double> known;
  const auto [place, fresh] = known.try_emplace(pool.num_threads(), 0.0);
  if (fresh) place->second = register_int8_gops_now(pool, kSeconds);
  return place->second;
}

}  // namespace nacelle::kernels
