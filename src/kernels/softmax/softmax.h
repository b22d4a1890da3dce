// softmax.h: what a sampler asks of one row of logits.
//
// Functions of a single row, without a pool: a caller with many rows runs them in its own tasks.
// NaN never wins: argmax and top_k treat it as -inf, and a row of nothing but NaN or -inf has the
// argmax 0. Equal values are ordered by index, lowest first.
//
// Tolerance between sets: log_sum_exp adds in another order: 2^-20 relative to the sum. argmax and
// top_k are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/isa.h"

namespace nacelle::kernels {

struct RowStats {
  float max = 0.0F;          // largest value that is not NaN; -inf when there is none
  float log_sum_exp = 0.0F;  // log(sum exp(x)); the log-probability of i is row[i] - log_sum_exp
};

struct IndexedValue {
  std::uint32_t index = 0;
  float value = 0.0F;
  friend bool operator==(const IndexedValue&, const IndexedValue&) = default;
};

// -inf elements count as probability 0; a NaN or +inf element makes log_sum_exp NaN or +inf. A row
// of only -inf has log_sum_exp -inf.
[[nodiscard]] RowStats row_stats(Isa isa, std::span<const float> row);

// Index of the largest value. The row is not empty.
[[nodiscard]] std::uint32_t argmax(Isa isa, std::span<const float> row);

// The min(count, row.size()) largest values, largest first.
[[nodiscard]] std::vector<IndexedValue> top_k(Isa isa, std::span<const float> row,
                                              std::size_t count);

}  // namespace nacelle::kernels
