#include "control/kube/replica_set_controller.h"

#include "control/core/children.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/replica_set/replica_set.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {

std::unique_ptr<ControllerUnit> replica_set_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&workshop, &informers](const kube::ObjectKey& key,
                                              const std::vector<Refusal>& refused) {
    auto set = informers.get({"apps/v1", "ReplicaSet", key.name_space, key.name});
    if (!set) return Decision{};
    auto pods = informers.dependents("v1", "Pod", *set);
    return workload::decide_replica_set({std::move(*set), std::move(pods), workshop.now_s(),
                                         refused.empty() ? "" : refused.front().message});
  };
  auto unit = std::make_unique<DecisionController>(workshop, "replica-sets", decide);
  unit->watch("apps/v1", "ReplicaSet", DecisionController::own_key);
  unit->watch("v1", "Pod", [&informers](const Json& pod) {
    if (!controller_of(pod).empty()) return DecisionController::owner_key(pod, "ReplicaSet");
    std::vector<kube::ObjectKey> takers;
    for (const auto& set :
         informers.of("apps/v1", "ReplicaSet").find(kByNamespace, kube::key_of(pod).name_space)) {
      if (workload::selects(kube::map_at(*set, {"spec", "selector"}), pod)) {
        takers.push_back(kube::key_of(*set));
      }
    }
    return takers;
  });
  return unit;
}

}  // namespace nacelle::control
