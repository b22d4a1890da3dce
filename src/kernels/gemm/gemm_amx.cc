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
#include "kernels/simd/tiles_hardware.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/pair_bf16.inc"
//
#include "kernels/gemm/tile_amx.inc"
//
#include "kernels/gemm/kinds_amx.inc"

template <Format kFormat>
GemmKernels make_int8() {
  return make_amx_kernels<HardwareTiles, AmxInt8, SignedQuads<kFormat>>(
      *gemm_int8_avx512vnni(kFormat));
}
}  // namespace

const GemmKernels* gemm_amx() {
  static const GemmKernels kKernels =
      make_amx_kernels<HardwareTiles, AmxBf16, PairWords>(*gemm_avx512bf16());
  return &kKernels;
}

const GemmKernels* gemm_int8_amx(Format x) {
  static const GemmKernels kF32 = make_int8<Format::kF32>();
  static const GemmKernels kBF16 = make_int8<Format::kBF16>();
  static const GemmKernels kF16 = make_int8<Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

const GemmKernels* gemm_int4_amx() {
  static const GemmKernels kKernels =
      make_amx_kernels<HardwareTiles, AmxInt4, PairWords>(*gemm_int4_avx512bf16());
  return &kKernels;
}

}  // namespace nacelle::kernels
#endif
