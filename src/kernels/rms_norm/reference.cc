#include <cmath>

#include "kernels/rms_norm/rms_norm_isa.h"

namespace nacelle::kernels {

void rms_norm_row_reference(float* x, const float* delta, std::size_t dim, const float* weight,
                            float epsilon, void* out, Format format) {
  double sum = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    if (delta != nullptr) x[i] += delta[i];
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  const float mean = static_cast<float>(sum / static_cast<double>(dim));
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  for (std::size_t i = 0; i < dim; ++i) store_one(out, format, i, x[i] * scale * weight[i]);
}

}  // namespace nacelle::kernels
