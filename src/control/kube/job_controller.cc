#include "control/kube/job_controller.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/job/job.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

// Pods of Jobs of this name that are not the one that is there: nobody else lets them go.
std::vector<Json> strays(SharedInformers& informers, const kube::ObjectKey& key) {
  std::vector<Json> out = informers.find("v1", "Pod", kByNamespace, key.name_space);
  std::erase_if(out, [&](const Json& pod) {
    const auto owners = DecisionController::owner_key(pod, "Job");
    return owners.empty() || owners[0] != key;
  });
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> job_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&workshop, &informers](const kube::ObjectKey& key,
                                              const std::vector<Refusal>& refused) {
    auto job = informers.get({"batch/v1", "Job", key.name_space, key.name});
    if (!job) return workload::release_job_pods(strays(informers, key), {});
    std::vector<Json> pods = informers.dependents("v1", "Pod", *job);
    std::vector<Json> others = pods;
    std::erase_if(others, [&](const Json& pod) {
      const auto owners = DecisionController::owner_key(pod, "Job");
      return owners.empty() || owners[0] != key;
    });
    Decision freed = workload::release_job_pods(others, {*job});
    Decision out = workload::decide_job({std::move(*job), std::move(pods), workshop.now_s(),
                                         refused.empty() ? "" : refused.front().message});
    std::move(freed.actions.begin(), freed.actions.end(), std::back_inserter(out.actions));
    return out;
  };
  auto unit = std::make_unique<DecisionController>(workshop, "jobs", decide);
  unit->watch("batch/v1", "Job", DecisionController::own_key);
  unit->watch("v1", "Pod",
              [](const Json& pod) { return DecisionController::owner_key(pod, "Job"); });
  return unit;
}

}  // namespace nacelle::control
