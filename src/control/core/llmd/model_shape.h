// model_shape.h: what of a model's config.json decides how much memory serving it takes.
//
// Home:    pure.
// Errors:  parse_shape(): invalid_argument with the numbers that make no model.
// Source:  scaling-and-benchmarks.md section 10.1.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::llmd {

enum class Family { kLlama, kQwen, kOther, kMixture, kMultimodal };

struct ModelShape {
  std::int64_t weight_bytes = 0;   // as stored, of the whole model
  std::int64_t layers = 0;         // that keep keys and values of all tokens
  std::int64_t window_layers = 0;  // that keep those of the last `window` tokens
  std::int64_t window = 0;         // tokens
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t kv_latent = 0;  // kv_lora_rank + qk_rope_head_dim of latent attention; else 0
  std::int64_t max_positions = 0;
  Family family = Family::kOther;
  friend bool operator==(const ModelShape&, const ModelShape&) = default;
};

// weight_bytes is the caller's.
[[nodiscard]] Result<ModelShape> parse_shape(const kube::Json& config, std::int64_t weight_bytes);

}  // namespace nacelle::control::llmd
