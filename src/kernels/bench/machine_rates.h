// machine_rates.h: what this machine can do at most, measured in the run that uses the figures.
//
// For benchmarks: kernels_bench and src/yardstick. Rates are those of a pool's threads working at
// the same time. A burst is one short measurement; the other functions keep the best burst of 1.5
// seconds and measure once per number of threads.
#pragma once

#include <time.h>

#include <cstddef>
#include <span>

#include "kernels/isa.h"
#include "kernels/worker_pool.h"

namespace nacelle::kernels {

// Time since construction. A pool of one thread is timed by that thread's processor time, which
// does not see other programs; several threads by the wall clock.
class Stopwatch {
 public:
  explicit Stopwatch(const WorkerPool& pool);
  [[nodiscard]] double seconds() const;

 private:
  [[nodiscard]] double now() const;

  clockid_t clock_;
  double start_;
};

// GFLOP/s of multiply-adds that touch registers only: f32 FMA of the set's width (mul and add on
// kPortable), or bf16 products when `bf16_pairs`: tiles on kAmx, else pair dot products.
[[nodiscard]] double register_gflops(WorkerPool& pool, Isa isa, bool bf16_pairs);

// GB/s of reading 128 MiB windows of 1 GiB in order, every thread its own pieces.
[[nodiscard]] double read_gbytes_per_s(WorkerPool& pool);

// The best burst of `seconds`, measured now. At least one burst.
[[nodiscard]] double register_gflops_now(WorkerPool& pool, Isa isa, bool bf16_pairs,
                                         double seconds);

// The same for reading. `memory` is what it walks, written before (untouched pages are all one page
// of zeros, which a cache holds); 32 MiB at least.
[[nodiscard]] double read_gbytes_per_s_now(WorkerPool& pool, std::span<const std::byte> memory,
                                           double seconds);

}  // namespace nacelle::kernels
