#include <cstdint>

#include "kernels/softmax/softmax_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/exp.inc"
//
#include "kernels/softmax/softmax.inc"
}  // namespace

const SoftmaxKernels* softmax_portable() {
  static constexpr SoftmaxKernels kKernels = {max_of, sum_exp, find};
  return &kKernels;
}

}  // namespace nacelle::kernels
