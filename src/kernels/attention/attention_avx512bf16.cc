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

// Scores and sums over V as dot products of bf16 pairs: q and the weights are rounded to bf16.
struct KvPairsBF16 : KvBF16 {
  static constexpr bool kDotPairs = true;
  static F dot_pairs(std::uint32_t pair, Raw words, F sum) {
    const __m512i both = _mm512_set1_epi32(static_cast<int>(pair));
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(both),
                            reinterpret_cast<__m512bh>(words));
  }
  // The first value of each pair, 0 for the second.
  static Raw first_of_pair(Raw words) { return _mm512_and_si512(words, _mm512_set1_epi32(0xffff)); }
  static void store_pairs(std::uint16_t* p, F v) {
    const auto halves = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves);
  }
};
}  // namespace

void attention_avx512bf16(const AttentionJob& job) {
  if (job.kv_format == Format::kF32 || job.kv_format == Format::kF16) {
    attention_avx512(job);
  } else {
    run_attention<KvPairsBF16>(job);
  }
}

}  // namespace nacelle::kernels
#endif
