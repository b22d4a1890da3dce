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
#include "kernels/gemm/tile_dense.inc"
//
#include "kernels/gemm/tile_int4.inc"

struct ExpandedF32 : WeightF32 {
  static constexpr bool kPacked = false;
};

struct PackedF32 : WeightF32 {
  static constexpr bool kPacked = true;
  static constexpr std::size_t kBlock = 8;
  static constexpr std::size_t kExpandedBytes = kLanes * 4;
  using Read = Raw;
  static Read read(const std::byte* p) { return load_raw(p); }
  static Weights take(Read read, std::size_t step) {
    const F table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    const auto below = static_cast<unsigned>(16 * (step % 2) + 4 * (step / 2));
    // The four low bits of a word choose; the others do not matter.
    return _mm512_permutexvar_ps(_mm512_srli_epi32(read, below), table);
  }
  static void store_expanded(std::byte* p, Weights w) { store(reinterpret_cast<float*>(p), w); }
};

constexpr std::size_t kMaxRows = 14;  // 14 x 2 sums, 2 weights and 1 word fit the registers
constexpr std::size_t kMaxPackedRows = 8;

template <Format kFormat>
constexpr GemmKernels make() {
  return make_int4_kernels<PackedF32, ExpandedF32, FloatWords<kFormat>, kFormat, kMaxRows,
                           kMaxPackedRows>();
}
}  // namespace

const GemmKernels* gemm_int4_avx512(Format x) {
  static constexpr GemmKernels kF32 = make<Format::kF32>();
  static constexpr GemmKernels kBF16 = make<Format::kBF16>();
  static constexpr GemmKernels kF16 = make<Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
#endif
