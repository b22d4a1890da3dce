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
#include "kernels/gemm/by_format.inc"
//
#include "kernels/gemm/tile.inc"
//
#include "kernels/gemm/tile_int8.inc"

// Four int8 a step and word: x + 128 is the unsigned operand. vpdpbusd wraps around, and so does
// the correction, so only the final sum has to fit.
struct WeightInt8Quads {
  static constexpr bool kOffset = true;
  static constexpr std::size_t kStep = 4;
  static constexpr std::size_t kBlock = 1;
  static constexpr std::size_t kBlockBytes = 64;
  using Read = Raw;
  using Weights = Raw;
  using Word = Raw;
  using Sum = Raw;
  static Read read(const std::byte* p) { return _mm512_loadu_si512(p); }
  static Weights take(Read read, std::size_t /*step*/) { return read; }
  static Word broadcast(const std::uint32_t* a) { return _mm512_set1_epi32(static_cast<int>(*a)); }
  static Sum multiply_add(Word a, Weights w, Sum sum) {
    // GCC 12 copies the sum before and after the intrinsic.
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(w));
    return sum;
  }
};

template <Format kFormat>
struct QuantizedQuads {
  static constexpr std::size_t kStep = 4;
  static Raw make(const std::byte* row, std::size_t i, std::size_t k, float inverse_scale) {
    __m128i bytes[4];
    for (std::size_t part = 0; part < 4; ++part) {
      bytes[part] = _mm512_cvtepi32_epi8(quantize<kFormat>(row, i + part * 16, k, inverse_scale));
    }
    const __m256i low = _mm256_set_m128i(bytes[1], bytes[0]);
    const __m256i high = _mm256_set_m128i(bytes[3], bytes[2]);
    const __m512i all_bytes = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    return _mm512_xor_si512(all_bytes, _mm512_set1_epi8(static_cast<char>(-128)));
  }
};

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers

struct MakeInt8Quads {
  template <Format kFormat>
  static constexpr GemmKernels make() {
    return make_int8_kernels<WeightInt8Quads, QuantizedQuads<kFormat>, kFormat, kMaxRows>();
  }
};
}  // namespace

const GemmKernels* gemm_int8_avx512vnni(Format x) { return kernels_by_format<MakeInt8Quads>(x); }

}  // namespace nacelle::kernels
#endif
