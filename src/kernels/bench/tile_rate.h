// tile_rate.h: loops of tile products (AMX) that touch registers only, for machine_rates.h.
#pragma once

namespace nacelle::kernels {

enum class TileProduct { kBF16, kInt8 };

// Runs a burst of a few hundred microseconds on this thread, six independent sums at a time, and
// returns its operations (a multiply-add is two). Only where Isa::kAmx is supported.
double spin_tiles(TileProduct product);

}  // namespace nacelle::kernels
