// rms_norm_isa.h: one row of the normalisation, per instruction set. Plain data only.
#pragma once

#include <cstddef>

#include "kernels/format.h"

namespace nacelle::kernels {

// Normalises x [dim] into out (format). With `delta`, first x += delta, stored back into x.
// out may be x itself when format is kF32.
using RmsNormRow = void (*)(float* x, const float* delta, std::size_t dim, const float* weight,
                            float epsilon, void* out, Format format);

void rms_norm_row_reference(float* x, const float* delta, std::size_t dim, const float* weight,
                            float epsilon, void* out, Format format);
void rms_norm_row_portable(float* x, const float* delta, std::size_t dim, const float* weight,
                           float epsilon, void* out, Format format);
void rms_norm_row_avx2(float* x, const float* delta, std::size_t dim, const float* weight,
                       float epsilon, void* out, Format format);
void rms_norm_row_avx512(float* x, const float* delta, std::size_t dim, const float* weight,
                         float epsilon, void* out, Format format);

}  // namespace nacelle::kernels
