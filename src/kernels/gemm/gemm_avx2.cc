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

constexpr std::size_t kMaxRows = 6;  // 6 x 2 sums, 2 weights and 1 word fit the registers
}  // namespace

const GemmKernels* gemm_avx2(Format x) { return kernels_by_format<MakeDense<kMaxRows>>(x); }

}  // namespace nacelle::kernels
#endif
