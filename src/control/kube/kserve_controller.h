// kserve_controller.h: LLMInferenceServices of serving.kserve.io to their objects and status, and
// their configs to who uses them (control/core/kserve).
//
// Home:    the client's loop.
#pragma once

#include <memory>

#include "control/kube/controller_unit.h"
#include "control/kube/serving_view.h"

namespace nacelle::control {

[[nodiscard]] std::unique_ptr<ControllerUnit> kserve_controller(Workshop& workshop,
                                                                const KserveOptions& options);
[[nodiscard]] std::unique_ptr<ControllerUnit> kserve_config_controller(Workshop& workshop);

}  // namespace nacelle::control
