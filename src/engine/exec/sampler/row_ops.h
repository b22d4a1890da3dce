// row_ops.h: the passes over a whole row of logits, as wide as the CPU allows.
//
// Every pass gives the same bits on every instruction set: sums are folded in a fixed order and
// nothing is contracted, so a sample does not depend on the machine it is taken on.
//
// Home:    any thread; no state.
// Shape:   a row is f32 [vocab_size]; indices are token ids.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nacelle::engine {

// The stream of one output position: what exponential draws are a function of, besides the token.
struct DrawKey {
  std::uint64_t seed = 0;
  std::uint64_t position = 0;  // index of the output within its sequence
};

struct RowOps {
  // The largest value; NaN when any value is NaN.
  float (*max)(const float* row, std::size_t size);
  // Index of the first element equal to `value`; `size` when there is none.
  std::size_t (*find_first)(const float* row, std::size_t size, float value);
  // Number of elements greater than `value`.
  std::uint32_t (*count_greater)(const float* row, std::size_t size, float value);
  // Sum of exp((row[i] - max) * scale); `max` is the row's.
  double (*sum_exp)(const float* row, std::size_t size, float max, float scale);
  // out[i] = exp((row[i] - max) * scale). Returns the sum.
  double (*exp)(const float* row, std::size_t size, float max, float scale, float* out);
  // Writes the indices of elements >= `value` (ascending) and returns how many; `out` has `size`.
  std::size_t (*indices_at_least)(const float* row, std::size_t size, float value,
                                  std::uint32_t* out);
  // Index of the largest exp((row[i] - max) * scale) / e_i with e_i = draw of token i; the lowest
  // on ties. `size` when all weights are 0.
  std::size_t (*exponential_race)(const float* row, std::size_t size, float max, float scale,
                                  DrawKey key);
};

// For the instruction sets of this CPU.
[[nodiscard]] const RowOps& row_ops();
// Of each instruction set that this CPU has, the plainest first. For tests and benchmarks.
[[nodiscard]] std::vector<const RowOps*> all_row_ops();

// The exponentially distributed draw that exponential_race() gives token `index`.
[[nodiscard]] float exponential_draw(DrawKey key, std::uint32_t index);

// exp(x) for x <= 0 as the passes compute it: within 2 ulp; 0 from -87 down.
[[nodiscard]] float row_exp(float x);

}  // namespace nacelle::engine
