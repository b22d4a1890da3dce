#include "kernels/attention/attention_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx2.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
//
#include "kernels/simd/widen8_avx2.inc"
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

}  // namespace

void attention_avx2(const AttentionJob& job) { run_attention_of(job); }

void attention_merge_avx2(const AttentionMergeJob& job) { merge_partials(job); }

}  // namespace nacelle::kernels
#endif
