#include "control/core/workload/replica_set/replica_set.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/pod_state.h"
#include "kube/conditions.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::Conditions;
using kube::text_at;

class ReplicaSetDecider {
 public:
  explicit ReplicaSetDecider(const ReplicaSetObserved& observed)
      : observed_(observed),
        set_(observed.replica_set),
        uid_(text_at(set_, {"metadata", "uid"})),
        deleting_(kube::is_being_deleted(set_)) {}

  Decision run() {
    sort_pods();
    if (!deleting_) scale();
    write_status();
    return std::move(decision_);
  }

 private:
  // Adoption and release change who owns what: the next decision counts again.
  void sort_pods() {
    const Json& selector = kube::map_at(set_, {"spec", "selector"});
    for (const Json& pod : observed_.pods) {
      names_.insert(kube::key_of(pod).name);
      const std::string controller = controller_of(pod);
      const bool matches = selects(selector, pod);
      if (controller == uid_) {
        if (matches || kube::is_being_deleted(pod)) {
          if (is_active(pod)) active_.push_back(&pod);
          if (kube::is_being_deleted(pod)) ++terminating_;
        } else if (!deleting_) {
          release(pod);
        }
      } else if (controller.empty() && matches && is_active(pod) && !deleting_) {
        adopt(pod);
        active_.push_back(&pod);
      }
    }
  }

  void adopt(const Json& pod) {
    Json owned = pod;
    owned["metadata"]["ownerReferences"].push_back(controller_reference(set_));
    decision_.actions.push_back(Update{std::move(owned)});
  }

  void release(const Json& pod) {
    Json freed = pod;
    Json kept = Json::array();
    for (const Json& owner : kube::list_at(pod, {"metadata", "ownerReferences"})) {
      if (text_at(owner, {"uid"}) != uid_) kept.push_back(owner);
    }
    freed["metadata"]["ownerReferences"] = std::move(kept);
    decision_.actions.push_back(Update{std::move(freed)});
  }

  void scale() {
    const auto wanted = static_cast<std::size_t>(
        std::max<std::int64_t>(0, kube::number_at(set_, {"spec", "replicas"}).value_or(1)));
    if (active_.size() < wanted) {
      create(wanted - active_.size());
    } else if (active_.size() > wanted) {
      remove(active_.size() - wanted);
    }
  }

  void create(std::size_t missing) {
    const std::size_t batch =
        std::min({missing, std::max<std::size_t>(1, active_.size()), kMaxBatch});
    const std::string name = kube::key_of(set_).name;
    std::uint64_t number = 0;
    for (std::size_t made = 0; made < batch; ++number) {
      const std::string pod_name = name + "-" + name_suffix(uid_, number);
      if (!names_.insert(pod_name).second) continue;
      decision_.actions.push_back(Create{new_pod(pod_name)});
      tell("Normal", "SuccessfulCreate", "Created pod: " + pod_name);
      ++made;
    }
  }

  Json new_pod(const std::string& name) const {
    const Json& pattern = kube::map_at(set_, {"spec", "template"});
    Json metadata = {{"name", name},
                     {"generateName", kube::key_of(set_).name + "-"},
                     {"namespace", kube::key_of(set_).name_space},
                     {"ownerReferences", Json::array({controller_reference(set_)})}};
    for (const char* field : {"labels", "annotations", "finalizers"}) {
      const Json* value = kube::find(pattern, {"metadata", field});
      if (value != nullptr) metadata[field] = *value;
    }
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", std::move(metadata)},
            {"spec", kube::map_at(pattern, {"spec"})}};
  }

  void remove(std::size_t surplus) {
    std::map<std::string, std::int64_t, std::less<>> on_node;
    const auto node = [](const Json& pod) {
      return std::string(text_at(pod, {"spec", "nodeName"}));
    };
    for (const Json* pod : active_) ++on_node[node(*pod)];
    std::vector<const Json*> order = active_;
    std::sort(order.begin(), order.end(), [&](const Json* a, const Json* b) {
      return goes_before(*a, on_node[node(*a)], *b, on_node[node(*b)]);
    });
    for (std::size_t i = 0; i < std::min(surplus, kMaxBatch); ++i) {
      const Json& pod = *order[i];
      decision_.actions.push_back(
          Delete{target_of(pod), std::string(text_at(pod, {"metadata", "uid"}))});
      tell("Normal", "SuccessfulDelete", "Deleted pod: " + kube::key_of(pod).name);
    }
  }

  void tell(const char* type, const char* reason, std::string message) {
    decision_.actions.push_back(RecordEvent{target_of(set_), type, reason, std::move(message)});
  }

  void write_status() {
    const auto min_ready = kube::number_at(set_, {"spec", "minReadySeconds"}).value_or(0);
    const Json& labels = kube::map_at(set_, {"spec", "template", "metadata", "labels"});
    std::int64_t labelled = 0;
    std::int64_t ready = 0;
    std::int64_t available = 0;
    std::optional<std::int64_t> wait;
    for (const Json* pod : active_) {
      if (selects_all(labels, *pod)) ++labelled;
      if (kube::is_ready(*pod)) ++ready;
      if (is_available(*pod, min_ready, observed_.now, wait)) ++available;
    }
    if (wait) decision_.look_again(std::chrono::seconds(*wait));
    Json status = kube::map_at(set_, {"status"});
    status["replicas"] = active_.size();
    const auto count = [&](const char* name, std::int64_t value) {
      if (value == 0)
        status.erase(name);
      else
        status[name] = value;
    };
    count("fullyLabeledReplicas", labelled);
    count("readyReplicas", ready);
    count("availableReplicas", available);
    count("terminatingReplicas", terminating_);
    if (const auto generation = kube::number_at(set_, {"metadata", "generation"})) {
      status["observedGeneration"] = *generation;
    }
    Conditions conditions(kube::list_at(set_, {"status", "conditions"}),
                          kube::timestamp(observed_.now));
    if (observed_.create_error.empty()) {
      conditions.remove("ReplicaFailure");
    } else {
      conditions.set({"ReplicaFailure", "True", "FailedCreate", observed_.create_error});
    }
    if (conditions.list().empty())
      status.erase("conditions");
    else
      status["conditions"] = conditions.list();
    if (status == kube::map_at(set_, {"status"})) return;
    Json updated = set_;
    updated["status"] = std::move(status);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const ReplicaSetObserved& observed_;
  const Json& set_;
  const std::string uid_;
  const bool deleting_;
  std::vector<const Json*> active_;
  std::int64_t terminating_ = 0;
  std::set<std::string> names_;
  Decision decision_;
};

}  // namespace

Decision decide_replica_set(const ReplicaSetObserved& observed) {
  return ReplicaSetDecider(observed).run();
}

}  // namespace nacelle::control::workload
