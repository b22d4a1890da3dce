#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx2.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_avx2.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_int8.inc"

constexpr std::size_t kMaxRows = 6;  // 6 x 2 sums, 2 weights and 1 word fit the registers

template <Format kFormat>
constexpr GemmKernels make() {
  return make_int8_kernels<WeightInt8Pairs, QuantizedPairs<kFormat>, kFormat, kMaxRows>();
}
}  // namespace

const GemmKernels* gemm_int8_avx2(Format x) {
  static constexpr GemmKernels kF32 = make<Format::kF32>();
  static constexpr GemmKernels kBF16 = make<Format::kBF16>();
  static constexpr GemmKernels kF16 = make<Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
#endif
