// reference.h: the meaning of the product: three loops over rows as the checkpoint has them.
#pragma once

#include <cstddef>

#include "kernels/format.h"

namespace nacelle::kernels {

// One output element per (row, column) of [0, m) x [column_begin, column_end). Sums in f64.
void gemm_reference(const std::byte* x, std::size_t x_row_stride, std::size_t m,
                    const std::byte* weights, std::size_t k, Format format,
                    std::size_t column_begin, std::size_t column_end, const float* bias, float* out,
                    std::size_t out_row_stride);

}  // namespace nacelle::kernels
