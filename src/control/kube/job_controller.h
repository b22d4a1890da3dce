// job_controller.h: Jobs to pods (control/core/workload/job), and pods of Jobs that are gone set
// free.
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> job_controller(Workshop& workshop);

}  // namespace nacelle::control
