// grouped_weight.h: whole numbers of 4 or 8 bits whose groups along k share a scale: the common
// form of compressed-tensors pack-quantized, AWQ and GPTQ weights.
//
//   w[r, i] = (q[r, i] - zeros[r, g]) * scales[r, g],   g = group_of[i]
//
// 4 bits become an int4 weight where the kernels can take it: groups of a multiple of 32 are cut
// into groups of 128 or 32 with repeated scales, and columns whose groups do not lie together are
// sorted (Int4Linear::order). Everything else becomes dense: 8 bits, since kernels of int8 weights
// round the activations to 8 bits too, and odd group sizes. Dense values are rounded once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/quantization/linear_weight.h"
#include "model/quantization/method.h"

namespace nacelle::model {

struct GroupedWeight {
  std::size_t n = 0;
  std::size_t k = 0;
  std::uint32_t bits = 4;
  std::size_t group_size = 0;  // divides k
  // Row r begins at byte r * k * bits / 8; of two in a byte, the first is in the low bits.
  std::vector<std::uint8_t> values{};  // empty: they are in `stored`
  Weight stored{};
  std::vector<float> scales{};            // [n, k / group_size]
  std::vector<std::uint8_t> zeros{};      // the same; empty: 2^(bits - 1) everywhere
  std::vector<std::uint32_t> group_of{};  // [k]; empty: i / group_size
};

[[nodiscard]] Result<LinearWeight> finish(GroupedWeight weight, const LinearRequest& request,
                                          WeightStore& store);

// The group size that a scheme means for k columns; invalid_argument when it does not divide k.
[[nodiscard]] Result<std::size_t> group_size_of(const ModuleTensors& tensors,
                                                std::string_view suffix, const LinearScheme& scheme,
                                                std::size_t k);

// g_idx: the group of each column, I32 [k]. Empty when the columns lie in the order of their
// groups.
[[nodiscard]] Result<std::vector<std::uint32_t>> read_group_of(const ModuleTensors& tensors,
                                                               std::string_view suffix,
                                                               std::size_t k,
                                                               std::size_t group_size);

// [rows, columns] to [columns, rows].
[[nodiscard]] std::vector<float> transposed(const std::vector<float>& values, std::size_t rows,
                                            std::size_t columns);

// Field `index` of a word of fields of `bits` bits, the first in the low bits.
[[nodiscard]] std::uint8_t packed_field(std::span<const std::int32_t> words, std::size_t index,
                                        std::uint32_t bits);

}  // namespace nacelle::model
