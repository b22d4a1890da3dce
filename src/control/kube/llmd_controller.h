// llmd_controller.h: LLMInferenceServices and LLMInferencePools of inference.llm-d.ai
// (control/core/llmd).
//
// Home:    the client's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "control/core/llmd/autoscaler.h"
#include "control/kube/controller_unit.h"
#include "control/kube/kserve_controller.h"
#include "control/kube/local_models.h"
#include "control/kube/pool_metrics.h"

namespace nacelle::control {

struct LlmdOptions {
  // What is measured of a service now; the numbers of replicas and `now` are filled in by the
  // controller. Null, or nothing: its replicas stay as they are.
  std::function<std::optional<llmd::LoadSample>(const kube::ObjectKey& service)> load;
  std::chrono::seconds evaluation_period{1};
  // Requests that an engine runs at once where its arguments do not say; 0 is unknown.
  std::int64_t max_running = 0;
  PoolMetrics* pool_metrics = nullptr;  // may be null; outlives the controllers
};

// Both read the same models.
[[nodiscard]] std::unique_ptr<ControllerUnit> llmd_controller(Workshop& workshop,
                                                              const KserveOptions& kserve,
                                                              const LlmdOptions& options,
                                                              std::shared_ptr<LocalModels> models);
[[nodiscard]] std::unique_ptr<ControllerUnit> llmd_pool_controller(
    Workshop& workshop, const KserveOptions& kserve, const LlmdOptions& options,
    std::shared_ptr<LocalModels> models);

}  // namespace nacelle::control
