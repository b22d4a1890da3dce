// reference.h: the meaning of the product: loops over rows as the checkpoint has them.
//
// Inside of kernels/gemm. For packed matrices without kernels, one row of the weight per panel.
#pragma once

#include <cstddef>

#include "kernels/format.h"
#include "kernels/gemm/gemm.h"

namespace nacelle::kernels {

// One row quantised for int8 weights: q[i] = round(x[i] * 127 / max |x|) to nearest even. Returns
// the row's scale, max |x| / 127: 0 below 2^-100, NaN where an element is not finite (q is 0 then).
float quantize_row_reference(const std::byte* x, Format format, std::size_t first, std::size_t k,
                             std::int8_t* q);

// As gemm(). Dense and int4 sums in f64; int8 sums are exact and give the bits of every set.
void gemm_reference(WorkerPool& pool, const std::byte* x, std::size_t x_row_stride, std::size_t m,
                    const PackedMatrix& weights, const float* bias, float* out,
                    std::size_t out_row_stride);

// As gemm_silu_mul().
void gemm_silu_mul_reference(WorkerPool& pool, const std::byte* x, std::size_t x_row_stride,
                             std::size_t m, const PackedMatrix& weights, const float* bias,
                             const OutputRows& out);

}  // namespace nacelle::kernels
