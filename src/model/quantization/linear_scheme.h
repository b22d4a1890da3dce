// linear_scheme.h: how a checkpoint stores the weight of one linear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nacelle::model {

// The tensors and the order of bits. Shapes are in the file of each method.
enum class Encoding : std::uint8_t {
  kInt8,    // compressed-tensors int-quantized: bytes and scales
  kPacked,  // compressed-tensors pack-quantized: whole numbers packed along k into 32-bit words
  kFp8,     // e4m3 bytes and scales
  kAwq,     // 4 bits packed along n, columns interleaved
  kGptq,    // 4 or 8 bits packed along k
};

// What shares a scale.
enum class ScaleGrain : std::uint8_t { kTensor, kRow, kGroup, kBlock };

struct LinearScheme {
  Encoding encoding = Encoding::kInt8;
  std::uint32_t bits = 8;
  ScaleGrain grain = ScaleGrain::kRow;
  std::size_t group_size = 0;     // kGroup: elements of k; they divide k or the weight is refused
  std::size_t block_rows = 0;     // kBlock
  std::size_t block_columns = 0;  // kBlock
  bool has_zeros = false;         // each group stores a zero point
  bool has_order = false;         // a tensor says the group of each column (g_idx)
  bool zeros_less_one = false;    // GPTQ: zero points are stored minus one

  friend bool operator==(const LinearScheme&, const LinearScheme&) = default;
};

// "int8", "int4-g128", "fp8-block128x128", ...
[[nodiscard]] std::string to_string(const LinearScheme& scheme);

}  // namespace nacelle::model
