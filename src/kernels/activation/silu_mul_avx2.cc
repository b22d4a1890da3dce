#include "kernels/activation/silu_mul_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx2.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
//
#include "kernels/activation/silu_mul.inc"
}  // namespace

void silu_mul_row_avx2(const float* gate, const float* up, std::size_t width, void* out,
                       Format format) {
  silu_mul_row(gate, up, width, out, format);
}

}  // namespace nacelle::kernels
#endif
