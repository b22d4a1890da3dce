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

// Scores as dot products of bf16 pairs; the sums over V stay f32.
struct KvPairsBF16 : KvBF16 {
  static constexpr bool kDotPairs = true;
  static F dot_pairs(std::uint32_t q, Raw k, F sum) {
    const __m512i word = _mm512_set1_epi32(static_cast<int>(q));
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(word), reinterpret_cast<__m512bh>(k));
  }
};
}  // namespace

void attention_avx512bf16(const AttentionJob& job) {
  if (job.kv_format == Format::kBF16) {
    run_attention<KvPairsBF16>(job);
  } else {
    attention_avx512(job);
  }
}

}  // namespace nacelle::kernels
#endif
