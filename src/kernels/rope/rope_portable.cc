#include <cstdint>

#include "kernels/rope/rope_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// It uses the one before.
#include "kernels/rope/rope.inc"
}  // namespace

void rope_head_portable(float* x, const float* cos, const float* sin, std::size_t half_dim) {
  rope_head(x, cos, sin, half_dim);
}

}  // namespace nacelle::kernels
