#include "kernels/gemm/reference.h"

namespace nacelle::kernels {

void gemm_reference(const std::byte* x, std::size_t x_row_stride, std::size_t m,
                    const std::byte* weights, std::size_t k, Format format,
                    std::size_t column_begin, std::size_t column_end, const float* bias, float* out,
                    std::size_t out_row_stride) {
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = column_begin; column < column_end; ++column) {
      double sum = 0;
      for (std::size_t i = 0; i < k; ++i) {
        sum += static_cast<double>(load_one(x, format, row * x_row_stride + i)) *
               static_cast<double>(load_one(weights, format, column * k + i));
      }
      const float bias_value = bias == nullptr ? 0.0F : bias[column];
      out[row * out_row_stride + column] = static_cast<float>(sum) + bias_value;
    }
  }
}

}  // namespace nacelle::kernels
