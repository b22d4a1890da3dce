// deployment_status.h: the status of a Deployment: counts, Available, Progressing with its
// deadline.
//
// Home:    pure.
// Source:  kubernetes-api.md section 21.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/workload/deployment/deployment.h"
#include "control/core/workload/deployment/rollout.h"

namespace nacelle::control::workload {

struct DeploymentView {
  const Json& deployment;
  const Json* newest;            // null when it is not there yet
  std::vector<const Json*> old;  // with or without replicas
  std::int64_t replicas;         // wanted
  RolloutLimits limits;
  std::int64_t now;
  std::string created;  // name of the set that this decision makes; "" when none
  std::optional<std::int64_t> collisions;
};

struct DeploymentStatus {
  Json status;
  std::optional<std::int64_t> look_again_in;  // seconds until the deadline
};
[[nodiscard]] DeploymentStatus deployment_status(const DeploymentView& view);

}  // namespace nacelle::control::workload
