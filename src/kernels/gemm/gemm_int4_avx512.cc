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
#include "kernels/gemm/by_format.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_dense.inc"
//
#include "kernels/gemm/tile_int4.inc"

// The four low bits of a word choose; the others do not matter.
inline F nibbles_to_floats(Raw words, unsigned below) {
  const F table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
  return _mm512_permutexvar_ps(_mm512_srli_epi32(words, below), table);
}
//
#include "kernels/gemm/int4_floats.inc"

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
constexpr std::size_t kMaxPackedRows = 8;
}  // namespace

const GemmKernels* gemm_int4_avx512(Format x) {
  return kernels_by_format<MakeInt4<kMaxRows, kMaxPackedRows>>(x);
}

}  // namespace nacelle::kernels
#endif
