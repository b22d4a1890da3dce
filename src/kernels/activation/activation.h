// activation.h: the gate of a feed-forward layer.
//
//   out[r, j] = silu(gate_up[r, j]) * gate_up[r, width + j],   silu(x) = x / (1 + exp(-x))
//
// Tolerance: 2^-21 relative (exp within 2 units, three roundings). The vector sets run one exp
// polynomial and give equal bits, but for kPortable without a fused multiply-add; kReference calls
// the C library's.
// Source:  Shazeer (2020), "GLU variants improve transformer".
#pragma once

#include <cstddef>

#include "kernels/context.h"
#include "kernels/rows.h"

namespace nacelle::kernels {

// gate_up: [num_rows, 2 * width] f32, dense: gate in the first half of a row, up in the second.
// out: [num_rows, width].
void silu_mul(const Context& context, const float* gate_up, std::size_t num_rows, std::size_t width,
              const OutputRows& out);

}  // namespace nacelle::kernels
