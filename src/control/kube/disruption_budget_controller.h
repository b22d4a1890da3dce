// disruption_budget_controller.h: statuses of PodDisruptionBudgets
// (control/core/workload/pod_disruption_budget).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> disruption_budget_controller(Workshop& workshop);

}  // namespace nacelle::control
