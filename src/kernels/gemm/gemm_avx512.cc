#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_avx512.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_dense.inc"

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
}  // namespace

const GemmKernels* gemm_avx512(Format x) {
  static constexpr GemmKernels kF32 =
      make_dense_kernels<WeightF32, FloatWords<Format::kF32>, kMaxRows>();
  static constexpr GemmKernels kBF16 =
      make_dense_kernels<WeightBF16, FloatWords<Format::kBF16>, kMaxRows>();
  static constexpr GemmKernels kF16 =
      make_dense_kernels<WeightF16, FloatWords<Format::kF16>, kMaxRows>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
#endif
