#include "kernels/rms_norm/rms_norm_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/rms_norm/rms_norm.inc"
}  // namespace

void rms_norm_row_portable(float* x, const float* delta, std::size_t dim, const float* weight,
                           float epsilon, void* out, Format format) {
  rms_norm_row(x, delta, dim, weight, epsilon, out, format);
}

}  // namespace nacelle::kernels
