// quantized_test_data.h: random rows and quantised weights, and exact sums, for tests of gemm/.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "kernels/format.h"
#include "kernels/gemm/quantized_weight.h"
#include "tensor/buffer.h"
#include "tensor/convert.h"

namespace nacelle::kernels {

// Activations, as stored and as f32.
struct Rows {
  std::size_t m = 0, k = 0;
  DType dtype = DType::kF32;
  Buffer stored;
  std::vector<float> floats;
  const std::byte* at(std::size_t row) const { return stored.data() + row * k * size_of(dtype); }
};

inline Rows make_rows(std::size_t m, std::size_t k, DType dtype, std::vector<float> floats) {
  Rows rows{m, k, dtype, Buffer::allocate(m * k * size_of(dtype)).value(), std::move(floats)};
  (void)convert(DType::kF32, rows.floats.data(), dtype, rows.stored.data(), m * k);
  (void)convert(dtype, rows.stored.data(), DType::kF32, rows.floats.data(), m * k);
  return rows;
}

inline std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> floats(count);
  for (float& value : floats) value = normal(random);
  return floats;
}

inline Rows random_rows(std::size_t m, std::size_t k, DType dtype, std::mt19937& random) {
  return make_rows(m, k, dtype, random_floats(m * k, random));
}

inline Rows constant_rows(std::size_t m, std::size_t k, DType dtype, float value) {
  return make_rows(m, k, dtype, std::vector<float>(m * k, value));
}

inline std::vector<float> random_scales(std::size_t count, std::mt19937& random) {
  std::vector<float> scales = random_floats(count, random);
  for (float& scale : scales) scale *= 0.01F;
  return scales;
}

inline OwnedInt8Weight random_int8(std::size_t n, std::size_t k, std::mt19937& random) {
  OwnedInt8Weight weight{n, k, std::vector<std::int8_t>(n * k), random_scales(n, random)};
  std::uniform_int_distribution<int> all(-128, 127);
  for (std::int8_t& value : weight.values) value = static_cast<std::int8_t>(all(random));
  return weight;
}

inline OwnedInt4Weight random_int4(std::size_t n, std::size_t k, std::size_t group_size, bool zeros,
                                   std::mt19937& random) {
  const std::size_t groups = n * (k / group_size);
  OwnedInt4Weight weight{n,
                         k,
                         group_size,
                         std::vector<std::uint8_t>(n * k / 2),
                         random_scales(groups, random),
                         std::vector<std::uint8_t>(zeros ? groups : 0)};
  for (std::uint8_t& value : weight.values) value = static_cast<std::uint8_t>(random());
  for (std::uint8_t& zero : weight.zeros) zero = random() % 16;
  return weight;
}

inline int int4_at(const OwnedInt4Weight& weight, std::size_t row, std::size_t i) {
  const unsigned byte = weight.values[(row * weight.k + i) / 2];
  return static_cast<int>(i % 2 == 0 ? byte & 15u : byte >> 4);
}

// A product's element in f64, and the sum of the magnitudes of what the kernels add up.
struct Int4Sum {
  double exact = 0;
  double size = 0;
};
inline Int4Sum int4_sum(const Rows& x, std::size_t row, const OwnedInt4Weight& w, std::size_t j) {
  Int4Sum sum;
  const std::size_t groups = w.k / w.group_size;
  for (std::size_t i = 0; i < w.k; ++i) {
    const std::size_t group = j * groups + i / w.group_size;
    const double scaled = double{x.floats[row * w.k + i]} * w.scales[group];
    const int zero = w.zeros.empty() ? 8 : w.zeros[group];
    const int q = int4_at(w, j, i);
    sum.exact += scaled * (q - zero);
    sum.size += std::abs(scaled) * (std::abs(q - 8) + std::abs(8 - zero));
  }
  return sum;
}

}  // namespace nacelle::kernels
