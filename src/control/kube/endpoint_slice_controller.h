// endpoint_slice_controller.h: Services and the pods they select to EndpointSlices
// (control/core/workload/endpoint_slice).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> endpoint_slice_controller(Workshop& workshop);

}  // namespace nacelle::control
