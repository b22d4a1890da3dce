// rope_table.h: cos and sin of every position, made on demand.
//
// Frequencies and angles are rounded to f32 where the reference implementation rounds them, so that
// long positions agree with what the model was trained on. Memory is reserved for all positions and
// costs nothing until a position is asked for.
//
// Home:    one thread (the engine loop).
// Errors:  make() returns resource_exhausted when the table cannot be reserved.
// Source:  engine.md section 31, table of RoPE scaling kinds.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernels/rope/rope.h"
#include "kernels/worker_pool.h"
#include "model/config.h"
#include "tensor/buffer.h"

namespace nacelle::model {

struct RopeFrequencies {
  std::vector<float> inverse;  // [head_dim / 2], radians per position
  float scale = 1.0F;          // multiplies cos and sin
};

// Decided once for the whole context of the server: `dynamic` as if max_position_embeddings *
// factor tokens were there, `longrope` with the long factors when max_model_len exceeds the
// original length.
[[nodiscard]] RopeFrequencies rope_frequencies(const ModelConfig& config);

class RotaryTable {
 public:
  RotaryTable() = default;  // no positions
  [[nodiscard]] static Result<RotaryTable> make(const RopeFrequencies& frequencies,
                                                std::size_t max_positions);

  // The table with at least the first `num_positions` positions filled.
  [[nodiscard]] kernels::RopeTable up_to(std::size_t num_positions, kernels::WorkerPool& pool);

 private:
  RopeFrequencies frequencies_;
  std::size_t max_positions_ = 0;
  std::size_t filled_ = 0;
  Buffer cos_;  // [max_positions, half_dim] f32
  Buffer sin_;
};

}  // namespace nacelle::model
