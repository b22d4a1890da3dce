#include "kernels/attention/attention_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
//
#include "kernels/simd/widen8_table.inc"
//
#include "kernels/simd/widen8_portable.inc"
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

void attention_portable(const AttentionJob& job) { run_attention_of(job); }

void attention_merge_portable(const AttentionMergeJob& job) { merge_partials(job); }

}  // namespace nacelle::kernels
