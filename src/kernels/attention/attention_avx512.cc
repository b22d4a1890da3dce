#include "kernels/attention/attention_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

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

}  // namespace

void attention_avx512(const AttentionJob& job) {
  if (job.kv_format == Format::kF32) {
    run_attention<KvF32>(job);
  } else if (job.kv_format == Format::kBF16) {
    run_attention<KvBF16>(job);
  } else {
    run_attention<KvF16>(job);
  }
}

}  // namespace nacelle::kernels
#endif
