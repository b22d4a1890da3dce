#include "kernels/bench/tile_rate.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "kernels/isa.h"
#include "kernels/simd/tile_config.h"

namespace nacelle::kernels {

#if defined(__x86_64__)
namespace {
#include "kernels/simd/tiles_hardware.inc"

constexpr int kRounds = 100'000;
constexpr int kSums = 6;  // more than the unit's latency over its pace, 52 / 16 cycles

template <TileProduct kProduct, int kC>
void multiply() {
  if constexpr (kProduct == TileProduct::kBF16) {
    HardwareTiles::dot_bf16<kC, 6, 7>();
  } else {
    HardwareTiles::dot_int8<kC, 6, 7>();
  }
}

template <TileProduct kProduct>
void spin() {
  for (int round = 0; round < kRounds; ++round) {
    multiply<kProduct, 0>();
    multiply<kProduct, 1>();
    multiply<kProduct, 2>();
    multiply<kProduct, 3>();
    multiply<kProduct, 4>();
    multiply<kProduct, 5>();
  }
}

}  // namespace

double spin_tiles(TileProduct product) {
  CHECK(is_supported(Isa::kAmx));
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = kTileRows;
    config.row_bytes[tile] = kTileRowBytes;
  }
  HardwareTiles::configure(config);  // and all tiles are zeros
  const bool bf16 = product == TileProduct::kBF16;
  bf16 ? spin<TileProduct::kBF16>() : spin<TileProduct::kInt8>();
  HardwareTiles::release();
  const double depth = kTileRowBytes / (bf16 ? 2.0 : 1.0);
  return 2.0 * kTileRows * kTileRows * depth * kSums * kRounds;
}
#else
double spin_tiles(TileProduct) {
  CHECK(false);
  return 0;
}
#endif

}  // namespace nacelle::kernels
