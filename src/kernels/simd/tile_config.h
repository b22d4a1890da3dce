// tile_config.h: the shapes of the eight tile registers, in the memory order of LDTILECFG.
//
// Included by the files compiled per instruction set, so plain data only.
// Source:  Intel SDM volume 1, chapter 18, "Programming with Intel AMX" (palette 1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace nacelle::kernels {

constexpr std::size_t kTileRows = 16;      // at most
constexpr std::size_t kTileRowBytes = 64;  // at most

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};  // of tile i; 8 tiles exist
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace nacelle::kernels
