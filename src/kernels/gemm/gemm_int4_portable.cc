#include "kernels/gemm/gemm_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/words_portable.inc"
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
    // Shifted to the top and back down, so that the sign spreads.
    const int below = static_cast<int>(16 * (step % 2) + 4 * (step / 2));
    const auto top = hn::BitCast(Whole(), hn::ShiftLeftSame(read, 28 - below));
    return hn::ConvertTo(Floats(), hn::ShiftRight<28>(top));
  }
  static void store_expanded(std::byte* p, Weights w) { store(reinterpret_cast<float*>(p), w); }
};

constexpr std::size_t kMaxRows = kLanes;  // pack_rows() turns so many at once
constexpr std::size_t kMaxPackedRows = 3;

template <Format kFormat>
constexpr GemmKernels make() {
  return make_int4_kernels<PackedF32, ExpandedF32, FloatWords<kFormat>, kFormat, kMaxRows,
                           kMaxPackedRows>();
}
}  // namespace

const GemmKernels* gemm_int4_portable(Format x) {
  static constexpr GemmKernels kF32 = make<Format::kF32>();
  static constexpr GemmKernels kBF16 = make<Format::kBF16>();
  static constexpr GemmKernels kF16 = make<Format::kF16>();
  if (x == Format::kF32) return &kF32;
  return x == Format::kBF16 ? &kBF16 : &kF16;
}

}  // namespace nacelle::kernels
