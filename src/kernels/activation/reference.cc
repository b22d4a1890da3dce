#include <cmath>

#include "kernels/activation/silu_mul_isa.h"

namespace nacelle::kernels {

void silu_mul_row_reference(const float* gate, const float* up, std::size_t width, void* out,
                            Format format) {
  for (std::size_t i = 0; i < width; ++i) {
    store_one(out, format, i, gate[i] / (1.0F + std::exp(-gate[i])) * up[i]);
  }
}

}  // namespace nacelle::kernels
