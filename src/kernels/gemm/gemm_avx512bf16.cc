#include "kernels/gemm/gemm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/gemm/tile.inc"

// Pairs of bf16 along k: one instruction does 32 multiply-adds.
struct WeightPairBF16 {
  static constexpr std::size_t kStep = 2;
  static constexpr std::size_t kVectorBytes = 64;
  using Weights = __m512i;
  using Word = __m512i;
  static Weights read(const std::byte* p) { return _mm512_loadu_si512(p); }
  static Word broadcast(const std::uint32_t* a) { return _mm512_set1_epi32(static_cast<int>(*a)); }
  static F multiply_add(Word a, Weights w, F sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(w));
  }
  static std::uint32_t word(const std::byte* x, std::size_t i, std::size_t k) {
    const auto* values = reinterpret_cast<const std::uint16_t*>(x);
    const std::uint32_t second = i + 1 < k ? values[i + 1] : 0;
    return values[i] | second << 16;
  }
};

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
}  // namespace

const GemmKernels* gemm_avx512bf16() {
  static constexpr GemmKernels kBF16 = make_kernels<WeightPairBF16, kMaxRows>();
  return &kBF16;
}

}  // namespace nacelle::kernels
#endif
