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

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/llmd/model_shape.h"

namespace nacelle::control::llmd {

struct EngineShape {
  std::int64_t tensor = 1;
  std::int64_t pipeline = 1;
  std::int64_t max_model_len = 0;  // 0: what the model can
  std::int64_t kv_value_bytes = 2;
  std::int64_t block_tokens = 16;
  double utilization = 0.90;  // share of a device that is the engine's
};

// No device has as much: larger amounts count as this, so that sums stay within 64 bits.
inline constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;

struct MemoryTerms {  // bytes of one device
  std::int64_t weights = 0, kv_minimum = 0, activation = 0, context = 0, graphs = 0;
  [[nodiscard]] std::int64_t total() const {
    return weights + kv_minimum + activation + context + graphs;
  }
};

// Of all layers; those with a window stop to grow at its end.
[[nodiscard]] std::int64_t kv_bytes_per_token(const ModelShape& model, const EngineShape& engine);
[[nodiscard]] Result<MemoryTerms> memory_of(const ModelShape& model, const EngineShape& engine);

struct Tenant {
  std::string name;
  MemoryTerms terms = {};
  std::optional<std::int64_t> declared = {};  // spec.resources.vram: believed instead of the terms
  double utilization = 0.90;
  [[nodiscard]] std::int64_t total() const {
    return std::min(declared.value_or(terms.total()), kMostBytes);
  }
};

// "12.34"
[[nodiscard]] std::string in_gib(std::int64_t bytes);
// The tenant's total and every term of it.
[[nodiscard]] std::string describe(const Tenant& tenant);
// Which share of a device those on it may fill together: what a single one asks for; of several the
// greatest, and no less than engines take by themselves.
[[nodiscard]] double utilization_of(const std::vector<Tenant>& tenants);

[[nodiscard]] Status check_device(const std::vector<Tenant>& tenants, std::int64_t device_bytes);

}  // namespace nacelle::control::llmd
