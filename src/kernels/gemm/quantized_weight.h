// quantized_weight.h: weights of few bits as they are before packing: rows of whole numbers and
// their scales, in one canonical order whatever checkpoint format they come from.
//
// A view: the memory belongs to the caller and is not needed after PackedMatrix::pack().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/worker_pool.h"
#include "tensor/tensor_view.h"

namespace nacelle::kernels {

// w[r, i] = values[r, i] * scales[r]. Symmetric, one scale per output row.
struct Int8Weight {
  std::size_t n = 0;  // rows = output columns of the product
  std::size_t k = 0;
  const std::int8_t* values = nullptr;  // [n, k]; -128 is allowed
  const float* scales = nullptr;        // [n]
};

// w[r, i] = (q[r, i] - zeros[r, g]) * scales[r, g], g = i / group_size.
struct Int4Weight {
  std::size_t n = 0;
  std::size_t k = 0;                     // a multiple of group_size
  std::size_t group_size = 128;          // a multiple of 32
  const std::uint8_t* values = nullptr;  // [n, k / 2]: q of element 2j in the low four bits
  const float* scales = nullptr;         // [n, k / group_size]
  const std::uint8_t* zeros = nullptr;   // [n, k / group_size], 0..15; null: 8 everywhere
};

// Memory of a weight that was quantised here.
struct OwnedInt8Weight {
  std::size_t n = 0, k = 0;
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  [[nodiscard]] Int8Weight view() const { return {n, k, values.data(), scales.data()}; }
};
struct OwnedInt4Weight {
  std::size_t n = 0, k = 0, group_size = 128;
  std::vector<std::uint8_t> values;
  std::vector<float> scales;
  std::vector<std::uint8_t> zeros;  // empty: 8 everywhere
  [[nodiscard]] Int4Weight view() const {
    return {n, k, group_size, values.data(), scales.data(), zeros.empty() ? nullptr : zeros.data()};
  }
};

// Round to nearest of a dense [n, k] weight (bf16, f16 or f32). int8: scale = max |w| of the row /
// 127. int4: around 8, per group the scale (of either sign) with the least squared error among
// those that put the value of the largest magnitude at -7, -7.25, ..., -8.5. A row or group whose
// values are all below 2^-100 has scale 0. Threads do not change the result.
// Errors: invalid_argument for a rank other than 2, a k that is no multiple of the group size, or a
// value that is not finite.
[[nodiscard]] Result<OwnedInt8Weight> quantize_int8(const TensorView& weight, WorkerPool& pool);
[[nodiscard]] Result<OwnedInt4Weight> quantize_int4(const TensorView& weight,
                                                    std::size_t group_size, WorkerPool& pool);

}  // namespace nacelle::kernels
