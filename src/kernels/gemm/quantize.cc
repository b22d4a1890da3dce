#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/gemm/quantized_weight.h"
#include "tensor/convert.h"

namespace nacelle::kernels {
namespace {

constexpr float kLeast = 0x1p-100F;  // below it a row or group counts as zeros
constexpr std::size_t kGrainElements = 65536;
constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

// To the nearest whole number, ties to even, for |v| < 2^22. The addition rounds: the sum's last
// bit is worth 1. Compilers vectorise it, unlike nearbyint.
inline std::int32_t round_whole(float v) {
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23
  return std::bit_cast<std::int32_t>(v + kMagic) - std::bit_cast<std::int32_t>(kMagic);
}

Status check_weight(const TensorView& weight) {
  if (weight.shape().rank() != 2) {
    return invalid_argument("a weight has shape {}, expected [n, k]", weight.shape().to_string());
  }
  const DType dtype = weight.dtype();
  if (dtype != DType::kF32 && dtype != DType::kBF16 && dtype != DType::kF16) {
    return invalid_argument("weights of dtype {} cannot be quantised", to_string(dtype));
  }
  return {};
}

// The element with the largest magnitude, or NaN where one is not finite. The first of equals.
float extreme_of(const float* values, std::size_t count) {
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    most = std::max(most, std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffu);
  }
  if (most >= 0x7f800000u) return std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 0; i < count; ++i) {
    if ((std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffu) == most) return values[i];
  }
  return 0.0F;
}

// Calls quantize_row(row, floats) for each row; false from it names a value that is not finite.
template <class QuantizeRow>
Status for_each_row(const TensorView& weight, WorkerPool& pool, const QuantizeRow& quantize_row) {
  const std::size_t n = weight.shape()[0];
  const std::size_t k = weight.shape()[1];
  std::atomic<std::size_t> bad_row{kNoRow};
  const std::size_t row_bytes = k * size_of(weight.dtype());
  const std::size_t grain = kGrainElements / std::max<std::size_t>(1, k) + 1;
  pool.run_ranges(n, grain, [&](std::size_t begin, std::size_t end) {
    std::vector<float> floats(k);
    for (std::size_t row = begin; row < end; ++row) {
      const Status converted =
          convert(weight.dtype(), weight.data() + row * row_bytes, DType::kF32, floats.data(), k);
      CHECK(converted.ok());  // check_weight() knows the dtype
      if (quantize_row(row, floats.data())) continue;
      std::size_t first = bad_row.load();
      while (row < first && !bad_row.compare_exchange_weak(first, row)) {
      }
    }
  });
  if (bad_row != kNoRow) {
    return invalid_argument("row {} of a {} weight holds a value that is not finite",
                            bad_row.load(), weight.shape().to_string());
  }
  return {};
}

struct Int4Scale {
  float scale = 0.0F;
  float unit = 0.0F;  // 1 / the extreme value, which lands on -grid
  float grid = 0.0F;
};

// value in units of the extreme one.
inline std::int32_t int4_of(float relative, float grid) {
  return std::clamp(round_whole(relative * -grid), -8, 7);
}

// Grids on which the extreme value lands on -7, -7.25, ..., -8.5; for each the scale that fits its
// whole numbers best, sum(v q) / sum(q^2). The least squared error wins, the first of equals.
// `extreme` = values' element of the largest magnitude; sums run in eight lanes so that they
// vectorise without changing with the compiler.
Int4Scale choose_scale(const float* values, std::size_t count, float extreme) {
  constexpr std::size_t kSums = 8;
  constexpr float kGrids[] = {7.0F, 7.25F, 7.5F, 7.75F, 8.0F, 8.25F, 8.5F};
  const float unit = 1.0F / extreme;
  float best_gain = -1.0F;
  Int4Scale best;
  for (const float grid : kGrids) {
    float products[kSums] = {};
    std::int32_t squares[kSums] = {};
    for (std::size_t i = 0; i < count; i += kSums) {
      for (std::size_t lane = 0; lane < kSums; ++lane) {
        const float relative = values[i + lane] * unit;  // in [-1, 1]: nothing can overflow
        const std::int32_t q = int4_of(relative, grid);
        products[lane] += relative * static_cast<float>(q);
        squares[lane] += q * q;
      }
    }
    float product = 0;
    std::int32_t square = 0;
    for (std::size_t lane = 0; lane < kSums; ++lane) {
      product += products[lane];
      square += squares[lane];
    }
    // The error is sum(v^2) - product^2 / square.
    const float gain = product * product / static_cast<float>(square);
    if (gain > best_gain) {
      best_gain = gain;
      best = {extreme * (product / static_cast<float>(square)), unit, grid};
    }
  }
  return best;
}

}  // namespace

Result<OwnedInt8Weight> quantize_int8(const TensorView& weight, WorkerPool& pool) {
  RETURN_IF_ERROR(check_weight(weight));
  OwnedInt8Weight quantized{weight.shape()[0], weight.shape()[1]};
  quantized.values.resize(quantized.n * quantized.k);
  quantized.scales.resize(quantized.n);
  RETURN_IF_ERROR(for_each_row(weight, pool, [&](std::size_t row, const float* floats) {
    const float largest = std::abs(extreme_of(floats, quantized.k));
    if (std::isnan(largest)) return false;
    if (largest < kLeast) return true;  // zeros
    const float inverse = 127.0F / largest;
    std::int8_t* values = quantized.values.data() + row * quantized.k;
    for (std::size_t i = 0; i < quantized.k; ++i) {
      values[i] = static_cast<std::int8_t>(round_whole(floats[i] * inverse));
    }
    quantized.scales[row] = largest / 127.0F;
    return true;
  }));
  return quantized;
}

Result<OwnedInt4Weight> quantize_int4(const TensorView& weight, std::size_t group_size,
                                      WorkerPool& pool) {
  RETURN_IF_ERROR(check_weight(weight));
  OwnedInt4Weight quantized{weight.shape()[0], weight.shape()[1], group_size};
  const std::size_t k = quantized.k;
  if (group_size == 0 || group_size % 32 != 0 || k % group_size != 0) {
    return invalid_argument(
        "int4 groups of {} elements: expected a multiple of 32 that divides the {} columns",
        group_size, k);
  }
  const std::size_t num_groups = k / group_size;
  quantized.values.resize(quantized.n * k / 2);
  quantized.scales.resize(quantized.n * num_groups);
  RETURN_IF_ERROR(for_each_row(weight, pool, [&](std::size_t row, const float* floats) {
    std::uint8_t* values = quantized.values.data() + row * k / 2;
    for (std::size_t group = 0; group < num_groups; ++group) {
      const float* source = floats + group * group_size;
      const float extreme = extreme_of(source, group_size);
      if (std::isnan(extreme)) return false;
      Int4Scale chosen;
      if (std::abs(extreme) >= kLeast) chosen = choose_scale(source, group_size, extreme);
      quantized.scales[row * num_groups + group] = chosen.scale;
      for (std::size_t i = 0; i < group_size; i += 2) {
        const std::int32_t low = int4_of(source[i] * chosen.unit, chosen.grid) + 8;
        const std::int32_t high = int4_of(source[i + 1] * chosen.unit, chosen.grid) + 8;
        *values++ = static_cast<std::uint8_t>(low | high << 4);
      }
    }
    return true;
  }));
  return quantized;
}

}  // namespace nacelle::kernels
