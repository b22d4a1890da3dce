// memory.h: what serving a model needs of one device, and whether services fit on it together.
//
// Weights, the KV cache of one longest request, activations, the context outside of tensors and
// captured graphs, each by itself, so that a refusal can say where the memory goes.
//
// Home:    pure.
// Errors:  failed_precondition listing every term in GiB and the shortfall; invalid_argument for
//          shapes that cannot be split so.
// Source:  scaling-and-benchmarks.md section 10; activation counts once per device, which is the
//          careful reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::llmd {

enum class Family { kLlama, kQwen, kOther, kMixture, kMultimodal };

struct ModelShape {
  std::int64_t weight_bytes = 0;  // as stored, of the whole model
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t kv_latent = 0;  // kv_lora_rank + qk_rope_head_dim of latent attention; else 0
  std::int64_t max_positions = 0;
  Family family = Family::kOther;
};

// From config.json; weight_bytes is the caller's.
[[nodiscard]] Result<ModelShape> parse_shape(const kube::Json& config, std::int64_t weight_bytes);

struct EngineShape {
  std::int64_t tensor = 1;
  std::int64_t pipeline = 1;
  std::int64_t max_model_len = 0;  // 0: what the model can
  std::int64_t kv_value_bytes = 2;
  std::int64_t block_tokens = 16;
};

struct MemoryTerms {  // bytes of one device
  std::int64_t weights = 0, kv_minimum = 0, activation = 0, context = 0, graphs = 0;
  [[nodiscard]] std::int64_t total() const {
    return weights + kv_minimum + activation + context + graphs;
  }
};

[[nodiscard]] std::int64_t kv_bytes_per_token(const ModelShape& model, const EngineShape& engine);
[[nodiscard]] Result<MemoryTerms> memory_of(const ModelShape& model, const EngineShape& engine);

struct Tenant {
  std::string name;
  MemoryTerms terms;
  std::optional<std::int64_t> declared;  // spec.resources.vram: believed instead of the terms
  [[nodiscard]] std::int64_t total() const { return declared.value_or(terms.total()); }
};

// `utilization` of the device is ours: 0.90 as engines have it.
[[nodiscard]] Status check_device(const std::vector<Tenant>& tenants, std::int64_t device_bytes,
                                  double utilization = 0.90);

}  // namespace nacelle::control::llmd
