// limits.h: the roofs of this machine, measured again and again during a run; the best counts.
//
// A shared or warming machine changes its pace within minutes. A limit that was only measured in a
// slow moment would make shares above one; so each row has limits of its own moments, too.
//
// Home:    the caller of the pool.
// Errors:  resource_exhausted when the memory to read cannot be had.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "tensor/buffer.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

// The roof of products with weights of `format` on `isa`: "bf16, amx". It is the rate of the
// instructions that the set's kernels multiply with. Weights of four bits become bf16 in registers,
// where there are products of bf16, so these are their roof.
[[nodiscard]] std::string roof_name(kernels::Isa isa, kernels::WeightFormat format);

// The register loops there are, and the first set that has each one's instructions.
struct RoofLine {
  std::string_view name;
  kernels::Isa isa;
};
[[nodiscard]] std::vector<RoofLine> roof_lines();

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
