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
#include "kernels/gemm/by_format.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_dense.inc"
//
#include "kernels/gemm/tile_int4.inc"

// Shifted to the top and back down, so that the sign spreads.
inline F nibbles_to_floats(Raw words, unsigned below) {
  const auto up = static_cast<int>(28 - below);
  const auto top = hn::BitCast(Whole(), hn::ShiftLeftSame(words, up));
  return hn::ConvertTo(Floats(), hn::ShiftRight<28>(top));
}
//
#include "kernels/gemm/int4_floats.inc"

constexpr std::size_t kMaxRows = kLanes;  // pack_rows() turns so many at once
constexpr std::size_t kMaxPackedRows = 3;
}  // namespace

const GemmKernels* gemm_int4_portable(Format x) {
  return kernels_by_format<MakeInt4<kMaxRows, kMaxPackedRows>>(x);
}

}  // namespace nacelle::kernels
