// replica_set_controller.h: ReplicaSets to pods (control/core/workload/replica_set).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> replica_set_controller(Workshop& workshop);

}  // namespace nacelle::control
