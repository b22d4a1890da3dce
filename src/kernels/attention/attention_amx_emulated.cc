#include "kernels/attention/attention_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/simd/tile_config.h"

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
//
#include "kernels/simd/widen8_table.inc"
//
#include "kernels/simd/widen8_avx512.inc"
//
#include "kernels/attention/blocks.inc"
//
#include "kernels/attention/softmax_step.inc"
//
#include "kernels/attention/kv_tile.inc"
//
#include "kernels/attention/merge.inc"
//
#include "kernels/attention/attention.inc"
//
#include "kernels/simd/tiles_emulated.inc"
//
#include "kernels/attention/blocks_amx.inc"
//
#include "kernels/attention/attention_amx.inc"
}  // namespace

void attention_amx_emulated(const AttentionJob& job) {
  if (job.kv_format == Format::kF32 || job.kv_format == Format::kF16) {
    attention_avx512(job);
  } else {
    run_attention_amx<EmulatedTiles>(job);  // 8-bit formats are widened to bf16
  }
}

}  // namespace nacelle::kernels
#endif
