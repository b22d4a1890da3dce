#include "kernels/gemm/gemm_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_portable.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_int8.inc"

constexpr std::size_t kMaxRows = kLanes;  // pack_rows() turns so many at once

template <Format kFormat>
constexpr GemmKernels make() {
  return make_int8_kernels<WeightInt8Pairs, QuantizedPairs<kFormat>, kFormat, kMaxRows>();
}
}  // namespace

const GemmKernels* gemm_int8_portable(Format x) {
  static constexpr GemmKernels kF32 = make<Format::kF32>();
  static constexpr GemmKernels kBF16 = make<Format::kBF16>();
  static constexpr GemmKernels kF16 = make<Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
