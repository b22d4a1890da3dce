#include "kernels/gemm/gemm_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/gemm/tile.inc"

constexpr std::size_t kMaxRows = 6;  // as in gemm_avx2.cc
}  // namespace

const GemmKernels* gemm_portable(Format format) {
  static constexpr GemmKernels kF32 = make_kernels<WeightF32, kMaxRows>();
  static constexpr GemmKernels kBF16 = make_kernels<WeightBF16, kMaxRows>();
  static constexpr GemmKernels kF16 = make_kernels<WeightF16, kMaxRows>();
  if (format == Format::kF32) return &kF32;
  return format == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
