#include "kernels/rms_norm/rms_norm_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace nacelle::kernels {
namespace {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/rms_norm/rms_norm.inc"
}  // namespace

void rms_norm_row_avx512(float* x, const float* delta, std::size_t dim, const float* weight,
                         float epsilon, void* out, Format format) {
  rms_norm_row(x, delta, dim, weight, epsilon, out, format);
}

}  // namespace nacelle::kernels
#endif
