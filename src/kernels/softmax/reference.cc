#include <cmath>
#include <limits>

#include "kernels/softmax/softmax_isa.h"

namespace nacelle::kernels {
namespace {

float max_of(const float* row, std::size_t size) {
  float best = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < size; ++i) {
    if (row[i] > best) best = row[i];
  }
  return best;
}

float sum_exp(const float* row, std::size_t size, float max) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::exp(static_cast<double>(row[i]) - max);
  return static_cast<float>(sum);
}

std::size_t find(const float* row, std::size_t size, float value) {
  std::size_t i = 0;
  while (i < size && row[i] != value) ++i;
  return i;
}

}  // namespace

const SoftmaxKernels* softmax_reference() {
  static constexpr SoftmaxKernels kKernels = {max_of, sum_exp, find};
  return &kKernels;
}

}  // namespace nacelle::kernels
