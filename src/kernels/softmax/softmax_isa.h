// softmax_isa.h: the passes over one row, per instruction set. Plain data only.
#pragma once

#include <cstddef>

namespace nacelle::kernels {

struct SoftmaxKernels {
  // Largest value that is not NaN; -inf when there is none.
  float (*max)(const float* row, std::size_t size);
  // sum exp(row[i] - max) in f32 lanes; NaN when an element is NaN.
  float (*sum_exp)(const float* row, std::size_t size, float max);
  // First index whose value equals `value`; size when there is none.
  std::size_t (*find)(const float* row, std::size_t size, float value);
};

const SoftmaxKernels* softmax_reference();
const SoftmaxKernels* softmax_portable();
const SoftmaxKernels* softmax_avx2();
const SoftmaxKernels* softmax_avx512();

}  // namespace nacelle::kernels
