#include "kernels/activation/silu_mul_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"

inline F silu_mul(F gate, F up) {
  return mul(div(gate, add(all(1.0F), exp(sub(zero(), gate)))), up);
}
}  // namespace

void silu_mul_row_portable(const float* gate, const float* up, std::size_t width, void* out,
                           Format format) {
  std::size_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    store_format(out, format, i, silu_mul(load(gate + i), load(up + i)));
  }
  if (i < width) {
    const std::size_t count = width - i;
    const F v = silu_mul(load_first(gate + i, count), load_first(up + i, count));
    store_first_format(out, format, i, v, count);
  }
}

}  // namespace nacelle::kernels
