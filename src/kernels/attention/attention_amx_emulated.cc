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
#include "kernels/attention/blocks.inc"
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
  if (job.kv_format == Format::kBF16) {
    run_attention_amx<EmulatedTiles>(job);
  } else {
    attention_avx512bf16(job);
  }
}

}  // namespace nacelle::kernels
#endif
