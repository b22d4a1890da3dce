#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/simd/tile_config.h"

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_avx512.inc"
//
#include "kernels/simd/tiles_emulated.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/pair_bf16.inc"
//
#include "kernels/gemm/tile_amx.inc"
//
#include "kernels/gemm/kinds_amx.inc"
}  // namespace

const GemmKernels* gemm_amx_emulated() {
  static constexpr GemmKernels kKernels = make_amx_kernels<EmulatedTiles, AmxBf16, PairWords>();
  return &kKernels;
}

const GemmKernels* gemm_int8_amx_emulated(Format x) {
  static constexpr GemmKernels kF32 = make_amx_int8_kernels<EmulatedTiles, Format::kF32>();
  static constexpr GemmKernels kBF16 = make_amx_int8_kernels<EmulatedTiles, Format::kBF16>();
  static constexpr GemmKernels kF16 = make_amx_int8_kernels<EmulatedTiles, Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

const GemmKernels* gemm_int4_amx_emulated() {
  static constexpr GemmKernels kKernels = make_amx_int4_kernels<EmulatedTiles>();
  return &kKernels;
}

}  // namespace nacelle::kernels
#endif
