// stateful_set_controller.h: StatefulSets to pods, claims and revisions
// (control/core/workload/stateful_set).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> stateful_set_controller(Workshop& workshop);

}  // namespace nacelle::control
