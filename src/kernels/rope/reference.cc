#include "kernels/rope/rope_isa.h"

namespace nacelle::kernels {

void rope_head_reference(float* x, const float* cos, const float* sin, std::size_t half_dim) {
  for (std::size_t i = 0; i < half_dim; ++i) {
    const float low = x[i];
    const float high = x[i + half_dim];
    x[i] = low * cos[i] - high * sin[i];
    x[i + half_dim] = high * cos[i] + low * sin[i];
  }
}

}  // namespace nacelle::kernels
