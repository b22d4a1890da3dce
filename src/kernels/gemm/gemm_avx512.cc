#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/gemm/tile.inc"

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
}  // namespace

const GemmKernels* gemm_avx512(Format format) {
  static constexpr GemmKernels kF32 = make_kernels<WeightF32, kMaxRows>();
  static constexpr GemmKernels kBF16 = make_kernels<WeightBF16, kMaxRows>();
  static constexpr GemmKernels kF16 = make_kernels<WeightF16, kMaxRows>();
  if (format == Format::kF32) return &kF32;
  return format == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
#endif
