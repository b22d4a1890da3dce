// rope.h: rotary position embedding, neox style: element i is paired with element i + half_dim.
//
//   out[i]            = x[i] cos - x[i + half_dim] sin        i < half_dim
//   out[i + half_dim] = x[i + half_dim] cos + x[i] sin
//
// Elements from 2 * half_dim on stay as they are (partial rotary). The table is the model's: it
// knows frequencies and scaling.
//
// Tolerance between sets: none, all round each product and the sum (no fused multiply-add).
// Source:  Su et al. (2021), "RoFormer".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/context.h"
#include "kernels/rows.h"

namespace nacelle::kernels {

struct RopeTable {
  const float* cos = nullptr;  // [max_position, half_dim]
  const float* sin = nullptr;  // [max_position, half_dim]
  std::size_t max_position = 0;
  std::size_t half_dim = 0;  // half the rotated width; 2 * half_dim <= head_dim
};

// Rotates every head of row r by positions[r], in place. positions.size() == x.num_rows, each below
// table.max_position.
void rope(const Context& context, const HeadRows& x, std::span<const std::uint32_t> positions,
          const RopeTable& table);

}  // namespace nacelle::kernels
