// autoscaler_controller.h: HorizontalPodAutoscalers to the scales of their targets
// (control/core/workload/horizontal_pod_autoscaler).
//
// Every 15 seconds, and when its spec changes, an autoscaler's scale, pods and metrics are read and
// a number is set through the scale subresource. What it remembers goes with the process: it then
// starts from the replicas that are there.
//
// Home:    the client's loop.
// Errors:  what cannot be read is told in the autoscaler's conditions.
// Bounds:  one autoscaler at a time.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> autoscaler_controller(Workshop& workshop);

}  // namespace nacelle::control
