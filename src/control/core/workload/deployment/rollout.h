// rollout.h: how many replicas each ReplicaSet of a Deployment has next.
//
// Home:    pure.
// Source:  kubernetes-api.md section 21: surge rounds up, unavailable down, both zero means one
//          unavailable.
#pragma once

#include <cstdint>
#include <vector>

#include "kube/object.h"

namespace nacelle::control::workload {

struct RolloutLimits {
  std::int64_t surge = 0;
  std::int64_t unavailable = 0;
};
// Of spec.strategy.rollingUpdate; 25 % each when absent.
[[nodiscard]] RolloutLimits rollout_limits(const kube::Json& deployment, std::int64_t replicas);

struct ReplicaCount {
  std::int64_t wanted = 0;     // spec.replicas
  std::int64_t available = 0;  // status.availableReplicas
};

// The next number of the new set, and of the old ones, oldest first. One of the two moves.
struct Scales {
  std::int64_t newest = 0;
  std::vector<std::int64_t> old;
};
[[nodiscard]] Scales rolling_scales(std::int64_t replicas, RolloutLimits limits,
                                    ReplicaCount newest, const std::vector<ReplicaCount>& old);

}  // namespace nacelle::control::workload
