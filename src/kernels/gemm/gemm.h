// gemm.h: activations times weights, the op that nearly all time goes to.
//
//   out[m, n] = x[m, k] * W[n, k]^T + bias[n]        f32 accumulation and result
//
// A PackedMatrix holds one or more weights of the checkpoint, stacked along n (q, k and v; gate and
// up), in the order in which one instruction set's kernel reads them. Packing happens once, at
// load.
//
// Batch invariance: an output element is one chain of multiply-adds over ascending k. The chain
// does not depend on m, on the row's place, on n or on threads, so a row alone and the same row
// among others give equal bits.
//
// Layout: panels of panel_width() columns. A panel is [ceil(k / step)][panel_width][step] elements
// of the weight's dtype, zero padded; step is 2 for bf16 on kAvx512Bf16 (a vdpbf16ps operand, and
// the tile order of AMX), else 1. kReference keeps rows as they are: one panel, [n][k].
//
// Tolerance between sets: each of the k roundings is at most half a unit of the partial sum, so
// |difference| <= k * 2^-24 * sum |x w|; kAvx512Bf16 also treats subnormal products as zero.
//
// Home:    pack() and gemm() on the caller thread of the pool; a packed matrix is immutable.
// Errors:  pack() returns invalid_argument for parts that do not fit together, unimplemented for a
//          dtype that is not bf16, f16 or f32, resource_exhausted without memory. gemm() cannot
//          fail.
// Source:  Goto and van de Geijn (2008), "Anatomy of high-performance matrix multiplication".
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"
#include "tensor/tensor_view.h"

namespace nacelle::kernels {

class PackedMatrix {
 public:
  PackedMatrix() = default;  // n() == k() == 0

  // Each part is [n_i, k], row-major, all of one dtype and one k. n is the sum of the n_i. The
  // parts are not needed afterwards.
  [[nodiscard]] static Result<PackedMatrix> pack(std::span<const TensorView> parts, Isa isa,
                                                 WorkerPool& pool);

  [[nodiscard]] std::size_t n() const { return n_; }
  [[nodiscard]] std::size_t k() const { return k_; }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] Isa isa() const { return isa_; }
  [[nodiscard]] std::size_t panel_width() const { return panel_width_; }
  [[nodiscard]] std::size_t panel_bytes() const { return panel_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return memory_.size(); }
  [[nodiscard]] const std::byte* data() const { return memory_.data(); }

 private:
  std::size_t n_ = 0;
  std::size_t k_ = 0;
  DType dtype_ = DType::kBF16;
  Isa isa_ = Isa::kReference;
  std::size_t panel_width_ = 1;
  std::size_t panel_bytes_ = 0;
  Buffer memory_;
};

// x: [m, weights.k()] in weights.dtype(), rows x_row_stride elements apart, aligned to the element.
// bias: [weights.n()] or null. out: [m, weights.n()], rows out_row_stride elements apart, may not
// overlap x. Nothing beyond the n columns of a row is written. m may be 0.
void gemm(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
          const PackedMatrix& weights, const float* bias, float* out, std::size_t out_row_stride);

}  // namespace nacelle::kernels
