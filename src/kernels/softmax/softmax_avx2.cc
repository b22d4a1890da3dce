#include <cstdint>

#include "kernels/softmax/softmax_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx2.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/exp.inc"
//
#include "kernels/softmax/softmax.inc"
}  // namespace

const SoftmaxKernels* softmax_avx2() {
  static constexpr SoftmaxKernels kKernels = {max_of, sum_exp, find};
  return &kKernels;
}

}  // namespace nacelle::kernels
#endif
