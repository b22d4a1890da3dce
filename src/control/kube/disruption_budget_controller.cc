#include "control/kube/disruption_budget_controller.h"

#include <utility>

#include "control/core/workload/pod_disruption_budget/pod_disruption_budget.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

constexpr const char* kBudgets = "policy/v1";
constexpr const char* kBudget = "PodDisruptionBudget";

}  // namespace

std::unique_ptr<ControllerUnit> disruption_budget_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&workshop, &informers](const kube::ObjectKey& key,
                                              const std::vector<Refusal>&) {
    auto budget = informers.get({kBudgets, kBudget, key.name_space, key.name});
    if (!budget) return Decision{};
    std::vector<Json> controllers;
    for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet"}) {
      for (Json& each : informers.find("apps/v1", kind, kByNamespace, key.name_space)) {
        controllers.push_back(std::move(each));
      }
    }
    auto pods = informers.find("v1", "Pod", kByNamespace, key.name_space);
    return workload::decide_disruption_budget(
        {std::move(*budget), std::move(pods), std::move(controllers), workshop.now_s()});
  };
  auto unit = std::make_unique<DecisionController>(workshop, "disruption-budgets", decide);
  unit->watch(kBudgets, kBudget, DecisionController::own_key);
  const auto all_of_namespace = [&informers](const Json& object) {
    std::vector<kube::ObjectKey> out;
    for (const auto& budget :
         informers.of(kBudgets, kBudget).find(kByNamespace, kube::key_of(object).name_space)) {
      out.push_back(kube::key_of(*budget));
    }
    return out;
  };
  unit->watch("v1", "Pod", all_of_namespace);
  for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet"}) {
    unit->watch("apps/v1", kind, all_of_namespace);
  }
  return unit;
}

}  // namespace nacelle::control
