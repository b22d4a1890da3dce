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

constexpr std::size_t kMaxRows = kLanes;  // pack_rows() turns so many at once
}  // namespace

const GemmKernels* gemm_portable(Format x) { return kernels_by_format<MakeDense<kMaxRows>>(x); }

}  // namespace nacelle::kernels
