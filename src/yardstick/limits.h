// limits.h: the roofs of this machine, measured again and again during a run; the best counts.
//
// A shared or warming machine changes its pace within minutes. A limit that was only measured in a
// slow moment would make shares above one; so each row has limits of its own moments, too.
//
// Home:    the caller of the pool.
// Errors:  resource_exhausted when the memory to read cannot be had.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "tensor/buffer.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

// The roof of products with weights of `format` on `isa`: "bf16, avx512_bf16". Weights of four bits
// become bf16 in registers, so bf16 is their roof.
[[nodiscard]] std::string roof_name(kernels::Isa isa, kernels::WeightFormat format);

class LimitMeter {
 public:
  // `pool` must outlive the meter.
  [[nodiscard]] static Result<LimitMeter> make(kernels::WorkerPool& pool);

  // Every roof, for one thread and for all, for `seconds` each.
  void measure_all(double seconds);
  // All threads only: reading and one arithmetic roof, as they are now.
  Limits refresh(const std::string& roof_name, double seconds);

  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  explicit LimitMeter(kernels::WorkerPool& pool) : pool_(&pool) {}

  kernels::WorkerPool* pool_;
  Buffer memory_;
  Limits limits_;
};

}  // namespace nacelle::yardstick
