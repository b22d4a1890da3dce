#include <cstdint>

#include "kernels/rope/rope_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
}  // namespace

void rope_head_portable(float* x, const float* cos, const float* sin, std::size_t half_dim) {
  for (std::size_t i = 0; i < half_dim; i += kLanes) {
    const std::size_t count = half_dim - i;  // the lanes that exist; more than kLanes means all
    const F c = load_first(cos + i, count);
    const F s = load_first(sin + i, count);
    const F low = load_first(x + i, count);
    const F high = load_first(x + half_dim + i, count);
    store_first(x + i, sub(mul(low, c), mul(high, s)), count);
    store_first(x + half_dim + i, add(mul(high, c), mul(low, s)), count);
  }
}

}  // namespace nacelle::kernels
