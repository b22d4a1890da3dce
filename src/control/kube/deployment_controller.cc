#include "control/kube/deployment_controller.h"

#include "control/core/children.h"
#include "control/core/workload/deployment/deployment.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {

std::unique_ptr<ControllerUnit> deployment_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&workshop, &informers](const kube::ObjectKey& key,
                                              const std::vector<Refusal>&) {
    auto deployment = informers.get({"apps/v1", "Deployment", key.name_space, key.name});
    if (!deployment) return Decision{};
    auto sets = informers.dependents("apps/v1", "ReplicaSet", *deployment);
    return workload::decide_deployment({std::move(*deployment), std::move(sets), workshop.now_s()});
  };
  auto unit = std::make_unique<DecisionController>(workshop, "deployments", decide);
  unit->watch("apps/v1", "Deployment", DecisionController::own_key);
  // A set that nobody controls may be anyone's of its namespace.
  unit->watch("apps/v1", "ReplicaSet", [&informers](const Json& set) {
    if (!controller_of(set).empty()) return DecisionController::owner_key(set, "Deployment");
    std::vector<kube::ObjectKey> all;
    for (const auto& deployment :
         informers.of("apps/v1", "Deployment").find(kByNamespace, kube::key_of(set).name_space)) {
      all.push_back(kube::key_of(*deployment));
    }
    return all;
  });
  return unit;
}

}  // namespace nacelle::control
