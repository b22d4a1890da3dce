#include "control/core/workload/pod_disruption_budget/pod_disruption_budget.h"

#include <algorithm>
#include <map>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/int_or_percent.h"
#include "control/core/workload/labels.h"
#include "kube/conditions.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::int64_t kDisruptionTimeout = 120;

class BudgetDecider {
 public:
  explicit BudgetDecider(const DisruptionObserved& observed)
      : observed_(observed), budget_(observed.budget), status_(kube::map_at(budget_, {"status"})) {}

  Decision run() {
    if (kube::is_being_deleted(budget_)) return {};
    choose_pods();
    std::int64_t expected = 0;
    std::int64_t desired = 0;
    const Json* least = kube::find(budget_, {"spec", "minAvailable"});
    const Json* most = kube::find(budget_, {"spec", "maxUnavailable"});
    if (most != nullptr) {
      expected = expected_by_controllers();
      const auto away = int_or_percent(most, expected, Rounding::kUp);
      desired = std::max<std::int64_t>(0, expected - away.value_or(0));
    } else if (least != nullptr && least->is_string()) {
      expected = expected_by_controllers();
      desired = int_or_percent(least, expected, Rounding::kUp).value_or(expected);
    } else {
      expected = static_cast<std::int64_t>(pods_.size());
      desired = least == nullptr ? 1 : int_or_percent(least, expected, Rounding::kUp).value_or(0);
    }
    write_status(expected, desired);
    return std::move(decision_);
  }

 private:
  void choose_pods() {
    const Json* selector = kube::find(budget_, {"spec", "selector"});
    if (selector == nullptr) return;
    for (const Json& pod : observed_.pods) {
      const std::string_view phase = text_at(pod, {"status", "phase"});
      if (phase == "Succeeded" || phase == "Failed") continue;
      // An empty selector of policy/v1 means every pod of the namespace.
      if (selector->empty() || selects(*selector, pod)) pods_.push_back(&pod);
    }
  }

  const Json* object_of(const std::string& uid) const {
    for (const Json& each : observed_.controllers) {
      if (text_at(each, {"metadata", "uid"}) == uid) return &each;
    }
    return nullptr;
  }

  // What the controllers of the pods want, each once; pods without one cannot be counted on.
  std::int64_t expected_by_controllers() {
    std::map<std::string, std::int64_t> wanted;
    std::vector<std::string> loose;
    for (const Json* pod : pods_) {
      const Json* owner = object_of(controller_of(*pod));
      if (owner != nullptr) {
        const Json* above = object_of(controller_of(*owner));  // the Deployment of a ReplicaSet
        if (above != nullptr) owner = above;
        wanted[std::string(text_at(*owner, {"metadata", "uid"}))] =
            number_at(*owner, {"spec", "replicas"}).value_or(1);
      } else {
        loose.push_back(kube::key_of(*pod).name);
      }
    }
    if (!loose.empty()) note_ = "pods without a controller that scales: " + loose.front();
    std::int64_t sum = 0;
    for (const auto& [uid, replicas] : wanted) sum += replicas;
    return sum;
  }

  // Pods whose eviction was granted and that are still there. Sets when to look again.
  Json still_disrupted() {
    Json out = Json::object();
    for (const auto& [name, since] : kube::map_at(budget_, {"status", "disruptedPods"}).items()) {
      const auto pod = std::find_if(pods_.begin(), pods_.end(), [&](const Json* each) {
        return kube::key_of(*each).name == name;
      });
      if (pod == pods_.end() || kube::is_being_deleted(**pod)) continue;
      const auto at = since.is_string() ? kube::parse_timestamp(since.get_ref<const std::string&>())
                                        : std::nullopt;
      const std::int64_t rest = at.value_or(0) + kDisruptionTimeout - observed_.now;
      if (rest <= 0) continue;  // nobody deleted it
      decision_.look_again(std::chrono::seconds(rest));
      out[name] = since;
    }
    return out;
  }

  void write_status(std::int64_t expected, std::int64_t desired) {
    const Json disrupted = still_disrupted();
    std::int64_t healthy = 0;
    for (const Json* pod : pods_) {
      healthy += kube::is_ready(*pod) && !disrupted.contains(kube::key_of(*pod).name) ? 1 : 0;
    }
    const std::int64_t allowed = expected <= 0 ? 0 : std::max<std::int64_t>(0, healthy - desired);
    status_["currentHealthy"] = healthy;
    status_["desiredHealthy"] = desired;
    status_["expectedPods"] = expected;
    status_["disruptionsAllowed"] = allowed;
    if (disrupted.empty())
      status_.erase("disruptedPods");
    else
      status_["disruptedPods"] = disrupted;
    if (const auto generation = number_at(budget_, {"metadata", "generation"})) {
      status_["observedGeneration"] = *generation;
    }
    kube::Conditions conditions(kube::list_at(status_, {"conditions"}),
                                kube::timestamp(observed_.now));
    conditions.set({"DisruptionAllowed", allowed > 0 ? "True" : "False",
                    allowed > 0 ? "SufficientPods" : "InsufficientPods", note_});
    status_["conditions"] = conditions.list();
    if (status_ == kube::map_at(budget_, {"status"})) return;
    Json updated = budget_;
    updated["status"] = std::move(status_);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const DisruptionObserved& observed_;
  const Json& budget_;
  Json status_;
  std::vector<const Json*> pods_;
  std::string note_;
  Decision decision_;
};

}  // namespace

Decision decide_disruption_budget(const DisruptionObserved& observed) {
  return BudgetDecider(observed).run();
}

}  // namespace nacelle::control::workload
