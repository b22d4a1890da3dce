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
  return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, up), 28));
}
//
#include "kernels/gemm/int4_floats.inc"

constexpr std::size_t kMaxRows = 6;  // 6 x 2 sums, 2 weights and 1 word fit the registers
constexpr std::size_t kMaxPackedRows = 3;
}  // namespace

const GemmKernels* gemm_int4_avx2(Format x) {
  return kernels_by_format<MakeInt4<kMaxRows, kMaxPackedRows>>(x);
}

}  // namespace nacelle::kernels
#endif
