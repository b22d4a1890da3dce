#include <cstdint>

#include "kernels/rope/rope_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx2.inc"
// It uses the one before.
#include "kernels/rope/rope.inc"
}  // namespace

void rope_head_avx2(float* x, const float* cos, const float* sin, std::size_t half_dim) {
  rope_head(x, cos, sin, half_dim);
}

}  // namespace nacelle::kernels
#endif
