#include "control/kube/stateful_set_controller.h"

#include <utility>

#include "control/core/children.h"
#include "control/core/workload/stateful_set/stateful_set.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

using Keys = std::vector<kube::ObjectKey>;

// Names begin or, for claims, have the set's name in the middle.
Keys sets_named_in(SharedInformers& informers, const Json& object, bool at_begin) {
  const kube::ObjectKey key = kube::key_of(object);
  Keys out;
  for (const auto& set :
       informers.of("apps/v1", "StatefulSet").find(kByNamespace, key.name_space)) {
    const std::string name = kube::key_of(*set).name + "-";
    const bool named =
        at_begin ? key.name.starts_with(name) : key.name.find("-" + name) != std::string::npos;
    if (named) out.push_back(kube::key_of(*set));
  }
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> stateful_set_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&workshop, &informers](const kube::ObjectKey& key,
                                              const std::vector<Refusal>&) {
    auto set = informers.get({"apps/v1", "StatefulSet", key.name_space, key.name});
    if (!set) return Decision{};
    auto pods = informers.dependents("v1", "Pod", *set);
    auto claims = informers.find("v1", "PersistentVolumeClaim", kByNamespace, key.name_space);
    auto revisions = informers.dependents("apps/v1", "ControllerRevision", *set);
    return workload::decide_stateful_set({std::move(*set), std::move(pods), std::move(claims),
                                          std::move(revisions), workshop.now_s()});
  };
  auto unit = std::make_unique<DecisionController>(workshop, "stateful-sets", decide);
  unit->watch("apps/v1", "StatefulSet", DecisionController::own_key);
  unit->watch("v1", "Pod", [&informers](const Json& pod) {
    if (!controller_of(pod).empty()) return DecisionController::owner_key(pod, "StatefulSet");
    return sets_named_in(informers, pod, true);
  });
  unit->watch("v1", "PersistentVolumeClaim",
              [&informers](const Json& claim) { return sets_named_in(informers, claim, false); });
  unit->watch("apps/v1", "ControllerRevision", [](const Json& revision) {
    return DecisionController::owner_key(revision, "StatefulSet");
  });
  return unit;
}

}  // namespace nacelle::control
