#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_avx512.inc"
//
#include "kernels/gemm/pack_rows.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/pair_bf16.inc"
//
#include "kernels/gemm/tile_int4.inc"

struct ExpandedPairs : WeightPairBF16 {
  static constexpr bool kPacked = false;
};

struct PackedPairs : WeightPairBF16 {
  static constexpr bool kPacked = true;
  static constexpr std::size_t kBlock = 4;
  static constexpr std::size_t kExpandedBytes = 64;
  // 0..7 and -8..-1 as bf16, twice: vpermw looks at five bits, of which the fifth does not matter.
  static Weights take(Read read, std::size_t step) {
    const __m512i table = _mm512_broadcast_i32x8(_mm256_setr_epi16(
        0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, static_cast<short>(0xc100),
        static_cast<short>(0xc0e0), static_cast<short>(0xc0c0), static_cast<short>(0xc0a0),
        static_cast<short>(0xc080), static_cast<short>(0xc040), static_cast<short>(0xc000),
        static_cast<short>(0xbf80)));
    return _mm512_permutexvar_epi16(_mm512_srli_epi16(read, static_cast<unsigned>(4 * step)),
                                    table);
  }
  static void store_expanded(std::byte* p, Weights w) { _mm512_storeu_si512(p, w); }
};

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
constexpr std::size_t kMaxPackedRows = 8;
}  // namespace

const GemmKernels* gemm_int4_avx512bf16() {
  static constexpr GemmKernels kKernels =
      make_int4_kernels<PackedPairs, ExpandedPairs, PairWords, Format::kBF16, kMaxRows,
                        kMaxPackedRows>();
  return &kKernels;
}

}  // namespace nacelle::kernels
#endif
