#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/gemm/reference.h"

namespace nacelle::kernels {

Result<PackedMatrix> PackedMatrix::pack(std::span<const TensorView> parts, Isa isa,
                                        WorkerPool& pool) {
  (void)pool;
  if (parts.empty()) return invalid_argument("a packed matrix needs at least one weight");
  PackedMatrix packed;
  packed.isa_ = isa;
  packed.dtype_ = parts[0].dtype();
  for (const TensorView& part : parts) {
    if (part.shape().rank() != 2) {
      return invalid_argument("a weight has shape {}, expected [n, k]", part.shape().to_string());
    }
    if (part.dtype() != packed.dtype_ || part.shape()[1] != parts[0].shape()[1]) {
      return invalid_argument("weights of {} {} and {} {} cannot be stacked",
                              to_string(packed.dtype_), parts[0].shape().to_string(),
                              to_string(part.dtype()), part.shape().to_string());
    }
    packed.n_ += part.shape()[0];
  }
  packed.k_ = parts[0].shape()[1];
  if (packed.dtype_ != DType::kBF16 && packed.dtype_ != DType::kF16 &&
      packed.dtype_ != DType::kF32) {
    return unimplemented("weights of dtype {} cannot be packed", to_string(packed.dtype_));
  }
  packed.panel_bytes_ = packed.n_ * packed.k_ * size_of(packed.dtype_);
  packed.panel_width_ = packed.n_;
  ASSIGN_OR_RETURN(packed.memory_, Buffer::allocate(packed.panel_bytes_));
  std::byte* target = packed.memory_.data();
  for (const TensorView& part : parts) {
    if (part.size_bytes() != 0) std::memcpy(target, part.data(), part.size_bytes());
    target += part.size_bytes();
  }
  return packed;
}

void gemm(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
          const PackedMatrix& weights, const float* bias, float* out, std::size_t out_row_stride) {
  const std::size_t grain = std::max<std::size_t>(1, 65536 / std::max<std::size_t>(1, weights.k()));
  pool.run_ranges(weights.n(), grain, [&](std::size_t begin, std::size_t end) {
    gemm_reference(static_cast<const std::byte*>(x), x_row_stride, m, weights.data(), weights.k(),
                   format_of(weights.dtype()), begin, end, bias, out, out_row_stride);
  });
}

}  // namespace nacelle::kernels
