// scaling_rules.h: from what the metrics ask for to what is done: stabilisation windows, scaling
// policies, the limits of the autoscaler.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Horizontal Pod Autoscaling", configurable scaling behavior.
#pragma once

#include <cstdint>
#include <string>

#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"

namespace nacelle::control::workload {

struct ScaleLimits {
  std::int64_t current, least, most;
};

struct Ruled {
  std::int64_t replicas = 0;
  // Of the conditions AbleToScale and ScalingLimited.
  std::string stable_reason, stable_message;
  bool limited = false;
  std::string limit_reason, limit_message;
};

// `behavior` is spec.behavior, null when absent: then up by the larger of 2x and 4 pods, down by
// what was recommended most in 300 s. Adds the recommendation to the memory.
[[nodiscard]] Ruled rule(const Json& behavior, std::int64_t recommended, ScaleLimits limits,
                         std::int64_t now, ScaleMemory& memory);

// Notes what was done, and forgets what is older than an hour.
void remember_scale(ScaleMemory& memory, std::int64_t from, std::int64_t to, std::int64_t now);

}  // namespace nacelle::control::workload
