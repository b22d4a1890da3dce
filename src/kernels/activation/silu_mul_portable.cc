#include "kernels/activation/silu_mul_isa.h"

#define HWY_DISABLE_PCLMUL_AES 1  // not used here, and not part of x86-64-v2
#include <hwy/highway.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
//
#include "kernels/activation/silu_mul.inc"
}  // namespace

void silu_mul_row_portable(const float* gate, const float* up, std::size_t width, void* out,
                           Format format) {
  silu_mul_row(gate, up, width, out, format);
}

}  // namespace nacelle::kernels
