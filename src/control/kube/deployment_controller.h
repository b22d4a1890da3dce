// deployment_controller.h: Deployments to ReplicaSets (control/core/workload/deployment).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> deployment_controller(Workshop& workshop);

}  // namespace nacelle::control
