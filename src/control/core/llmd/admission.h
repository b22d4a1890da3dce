// admission.h: which objects of inference.llm-d.ai/v1alpha1 may be stored.
//
// Home:    pure.
// Errors:  none: what is wrong is in the Review; fields that nothing uses are warnings.
// Source:  scaling-and-benchmarks.md sections 8 and 9.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "control/core/field_problem.h"
#include "control/core/llmd/pool.h"

namespace nacelle::control::llmd {

[[nodiscard]] Review review_service(const kube::Json& service, const kube::Json* before = nullptr);
[[nodiscard]] Review review_pool(const kube::Json& pool);

struct PoolSpec {
  std::vector<PoolService> services;   // name, weight and priority
  std::optional<std::int64_t> budget;  // nothing: all GPUs there are
  Eviction eviction = Eviction::kNone;
};
// Of a pool that passed its review.
[[nodiscard]] PoolSpec parse_pool(const kube::Json& pool);

}  // namespace nacelle::control::llmd
