// rows.h: how ops see activations: rows of f32 in, rows of f32 or of the model's dtype out.
//
// Strides count elements, not bytes, so a part of a wider matrix (q within a fused qkv) is a view.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace nacelle::kernels {

// Rows that an op writes, rounded to nearest even. dtype: f32, bf16 or f16.
struct OutputRows {
  void* data = nullptr;
  DType dtype = DType::kF32;
  std::size_t row_stride = 0;  // elements
};

// f32 rows of `num_heads` heads side by side, changed in place. Element (r, h, i) is
// data[r * row_stride + h * head_dim + i].
struct HeadRows {
  float* data = nullptr;
  std::size_t num_rows = 0;
  std::size_t num_heads = 0;
  std::size_t head_dim = 0;
  std::size_t row_stride = 0;  // elements
};

}  // namespace nacelle::kernels
