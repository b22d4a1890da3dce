// rope_table.h: cos and sin of every position, made on demand.
//
// Frequencies and angles are rounded to f32 where the reference implementation rounds them, so that
// long positions agree with what the model was trained on. The table grows with the longest
// position asked for: a sliding window lets a sequence outgrow the KV memory, so no bound is known
// beforehand.
//
// Home:    one thread (the engine loop).
// Source:  engine.md section 31, table of RoPE scaling kinds.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

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
  explicit RotaryTable(RopeFrequencies frequencies) : frequencies_(std::move(frequencies)) {}

  // The table with at least the first `num_positions` positions filled. Valid until the next call.
  [[nodiscard]] kernels::RopeTable up_to(std::size_t num_positions, kernels::WorkerPool& pool);

 private:
  void reserve(std::size_t num_positions);

  RopeFrequencies frequencies_;
  std::size_t capacity_ = 0;  // positions
  std::size_t filled_ = 0;
  Buffer cos_;  // [capacity, half_dim] f32
  Buffer sin_;
};

}  // namespace nacelle::model
