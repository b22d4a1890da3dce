#include "control/core/workload/stateful_set/stateful_set.h"

#include <algorithm>
#include <map>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/int_or_percent.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/pod_state.h"
#include "control/core/workload/stateful_set/identity.h"
#include "control/core/workload/stateful_set/revisions.h"
#include "control/core/workload/stateful_set/set_status.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

bool has_ended(const Json& pod) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

class StatefulSetDecider {
 public:
  explicit StatefulSetDecider(const StatefulSetObserved& observed)
      : observed_(observed),
        set_(observed.stateful_set),
        uid_(text_at(set_, {"metadata", "uid"})),
        in_order_(text_at(set_, {"spec", "podManagementPolicy"}) != "Parallel"),
        rolling_(text_at(set_, {"spec", "updateStrategy", "type"}) != "OnDelete"),
        replicas_(std::max<std::int64_t>(0, number_at(set_, {"spec", "replicas"}).value_or(1))),
        first_(
            std::max<std::int64_t>(0, number_at(set_, {"spec", "ordinals", "start"}).value_or(0))),
        partition_(std::max<std::int64_t>(
            0, number_at(set_, {"spec", "updateStrategy", "rollingUpdate", "partition"})
                   .value_or(0))) {}

  Decision run() {
    const bool deleting = kube::is_being_deleted(set_);
    sort_pods(deleting);
    revisions_ = revisions_of(set_, observed_.revisions);
    if (!deleting) {
      for (Action& action : revisions_.actions) decision_.actions.push_back(std::move(action));
      manage();
      for (Action& action : surplus_revisions(set_, revisions_, owned_)) {
        decision_.actions.push_back(std::move(action));
      }
    }
    write_status();
    if (wait_) decision_.look_again(std::chrono::seconds(*wait_));
    return std::move(decision_);
  }

 private:
  enum class Next { kGoOn, kStop };

  void sort_pods(bool deleting) {
    const Json& selector = kube::map_at(set_, {"spec", "selector"});
    for (const Json& pod : observed_.pods) {
      const std::string controller = controller_of(pod);
      const auto ordinal = ordinal_of(set_, pod);
      const bool matches = ordinal && selects(selector, pod);
      if (controller == uid_) {
        if (matches || kube::is_being_deleted(pod)) {
          if (ordinal) by_ordinal_[*ordinal] = &pod;
          owned_.push_back(&pod);
        } else if (!deleting) {
          release(pod);
        }
      } else if (controller.empty() && matches && !kube::is_being_deleted(pod) && !deleting) {
        Json adopted = pod;
        adopted["metadata"]["ownerReferences"].push_back(controller_reference(set_));
        decision_.actions.push_back(Update{std::move(adopted)});
        by_ordinal_[*ordinal] = &pod;
        owned_.push_back(&pod);
      } else if (ordinal) {
        foreign_[*ordinal] = true;  // somebody else has the name
      }
    }
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

  const Json* pod_at(std::int64_t ordinal) const {
    const auto at = by_ordinal_.find(ordinal);
    return at == by_ordinal_.end() ? nullptr : at->second;
  }
  bool is_wanted(std::int64_t ordinal) const {
    return ordinal >= first_ && ordinal < first_ + replicas_;
  }
  bool available(const Json& pod) {
    const auto least = number_at(set_, {"spec", "minReadySeconds"}).value_or(0);
    return !kube::is_being_deleted(pod) && text_at(pod, {"status", "phase"}) == "Running" &&
           is_available(pod, least, observed_.now, wait_);
  }
  bool is_of(const Json& pod, std::string_view revision) const {
    return text_at(pod, {"metadata", "labels", kControllerRevisionHash}) == revision;
  }
  // Below the partition pods are of the current revision.
  bool is_held_back(std::int64_t ordinal) const {
    return rolling_ && ordinal < first_ + partition_ && revisions_.current != nullptr;
  }
  const std::string& wanted_revision(std::int64_t ordinal) const {
    return is_held_back(ordinal) ? revisions_.current_name : revisions_.update_name;
  }

  void manage() {
    for (std::int64_t i = first_; i < first_ + replicas_; ++i) {
      if (acted_ >= kMaxStatefulBatch || keep(i) == Next::kStop) return;
    }
    if (remove_surplus() == Next::kStop || !rolling_) return;
    roll();
  }

  // One ordinal that is wanted.
  Next keep(std::int64_t ordinal) {
    const Next held = in_order_ ? Next::kStop : Next::kGoOn;
    const Json* pod = pod_at(ordinal);
    if (pod == nullptr) {
      if (!foreign_.contains(ordinal)) create(ordinal);
      return held;
    }
    if (kube::is_being_deleted(*pod)) return held;
    if (has_ended(*pod)) {
      remove(*pod);
      return held;
    }
    if (text_at(*pod, {"status", "phase"}) == "Pending") (void)ensure_claims(ordinal, pod);
    own_claims(ordinal, pod, false);
    if (available(*pod)) return Next::kGoOn;
    // Broken, and not what is wanted: nothing is lost with it.
    if (rolling_ && !is_of(*pod, wanted_revision(ordinal))) remove(*pod);
    return held;
  }

  void create(std::int64_t ordinal) {
    if (!ensure_claims(ordinal, nullptr)) return;
    const bool current = rolling_ && ordinal < first_ + partition_ && revisions_.current != nullptr;
    const Json& pattern =
        current ? template_of(*revisions_.current) : kube::map_at(set_, {"spec", "template"});
    const std::string& revision = current ? revisions_.current_name : revisions_.update_name;
    Json pod = new_stateful_pod(set_, ordinal, pattern, revision);
    const std::string name = kube::key_of(pod).name;
    decision_.actions.push_back(Create{std::move(pod)});
    ++acted_;
    tell("SuccessfulCreate",
         "create Pod " + name + " in StatefulSet " + kube::key_of(set_).name + " successful");
  }

  const Json* claim_named(const Json& wanted) const {
    for (const Json& claim : observed_.claims) {
      if (kube::key_of(claim) == kube::key_of(wanted)) return &claim;
    }
    return nullptr;
  }

  // Whether a pod may be made: no claim is on its way out.
  bool ensure_claims(std::int64_t ordinal, const Json* pod) {
    bool usable = true;
    for (Json& wanted : wanted_claims(set_, ordinal)) {
      const Json* seen = claim_named(wanted);
      if (seen == nullptr) {
        Json owners = claim_owners(set_, wanted, pod, false);
        if (!owners.empty()) wanted["metadata"]["ownerReferences"] = std::move(owners);
        const std::string name = kube::key_of(wanted).name;
        decision_.actions.push_back(Create{std::move(wanted)});
        tell("SuccessfulCreate", "create Claim " + name + " Pod " +
                                     stateful_pod_name(set_, ordinal) + " in StatefulSet " +
                                     kube::key_of(set_).name + " success");
      } else if (kube::is_being_deleted(*seen) || (pod == nullptr && belongs_to_a_pod(*seen))) {
        usable = false;
      } else if (pod == nullptr) {
        own_claim(*seen, nullptr, false);
      }
    }
    return usable;
  }

  // Of a pod that was there before: it goes with that one.
  static bool belongs_to_a_pod(const Json& claim) {
    const Json& owners = kube::list_at(claim, {"metadata", "ownerReferences"});
    return std::any_of(owners.begin(), owners.end(),
                       [](const Json& owner) { return text_at(owner, {"kind"}) == "Pod"; });
  }

  void own_claims(std::int64_t ordinal, const Json* pod, bool condemned) {
    for (const Json& wanted : wanted_claims(set_, ordinal)) {
      if (const Json* seen = claim_named(wanted); seen != nullptr) {
        own_claim(*seen, pod, condemned);
      }
    }
  }

  void own_claim(const Json& claim, const Json* pod, bool condemned) {
    if (kube::is_being_deleted(claim)) return;
    Json owners = claim_owners(set_, claim, pod, condemned);
    if (owners == kube::list_at(claim, {"metadata", "ownerReferences"})) return;
    Json updated = claim;
    if (owners.empty())
      updated["metadata"].erase("ownerReferences");
    else
      updated["metadata"]["ownerReferences"] = std::move(owners);
    decision_.actions.push_back(Update{std::move(updated)});
  }

  // Pods beyond what is wanted, the highest first.
  Next remove_surplus() {
    const Json* first_unhealthy = nullptr;
    for (const auto& [ordinal, pod] : by_ordinal_) {
      if (first_unhealthy == nullptr && !available(*pod)) first_unhealthy = pod;
    }
    Next next = Next::kGoOn;
    for (auto at = by_ordinal_.rbegin(); at != by_ordinal_.rend(); ++at) {
      const auto& [ordinal, pod] = *at;
      if (is_wanted(ordinal)) continue;
      own_claims(ordinal, pod, true);
      if (next == Next::kStop) continue;
      if (kube::is_being_deleted(*pod)) {
        if (in_order_) next = Next::kStop;
        continue;
      }
      // Another one that is broken comes back first, so that at most one is missing.
      if (in_order_ && !available(*pod) && pod != first_unhealthy) {
        next = Next::kStop;
        continue;
      }
      remove(*pod);
      if (in_order_) next = Next::kStop;
    }
    return next;
  }

  // Replaces pods of old revisions, the highest ordinal first, while few enough are missing.
  void roll() {
    const auto most = int_or_percent(
        kube::find(set_, {"spec", "updateStrategy", "rollingUpdate", "maxUnavailable"}), replicas_,
        Rounding::kUp);
    std::int64_t budget = std::max<std::int64_t>(1, most.value_or(1));
    for (std::int64_t i = first_; i < first_ + replicas_; ++i) {
      const Json* pod = pod_at(i);
      if (pod == nullptr || !available(*pod)) --budget;
    }
    for (std::int64_t i = first_ + replicas_ - 1; i >= first_ + partition_ && budget > 0; --i) {
      const Json* pod = pod_at(i);
      const bool stays = pod == nullptr || !available(*pod) || is_of(*pod, revisions_.update_name);
      if (stays) continue;
      remove(*pod);
      --budget;
    }
  }

  void remove(const Json& pod) {
    if (acted_ >= kMaxStatefulBatch) return;
    ++acted_;
    decision_.actions.push_back(
        Delete{target_of(pod), std::string(text_at(pod, {"metadata", "uid"}))});
    tell("SuccessfulDelete", "delete Pod " + kube::key_of(pod).name + " in StatefulSet " +
                                 kube::key_of(set_).name + " successful");
  }

  void tell(const char* reason, std::string message) {
    decision_.actions.push_back(RecordEvent{target_of(set_), "Normal", reason, std::move(message)});
  }

  void write_status() {
    SetCounts counts;
    for (const Json* pod : owned_) {
      const std::string_view revision =
          text_at(*pod, {"metadata", "labels", kControllerRevisionHash});
      const bool stays = !kube::is_being_deleted(*pod);
      ++counts.replicas;
      if (text_at(*pod, {"status", "phase"}) == "Running" && is_serving(*pod)) ++counts.ready;
      if (available(*pod)) ++counts.available;
      if (stays && revision == revisions_.current_name) ++counts.current;
      if (stays && revision == revisions_.update_name) ++counts.updated;
    }
    counts.current_revision = revisions_.current_name;
    counts.update_revision = revisions_.update_name;
    counts.collisions = revisions_.collisions;
    Json status = set_status(set_, counts, rolling_ ? replicas_ : -1);
    if (status == kube::map_at(set_, {"status"})) return;
    Json updated = set_;
    updated["status"] = std::move(status);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const StatefulSetObserved& observed_;
  const Json& set_;
  const std::string uid_;
  const bool in_order_, rolling_;
  const std::int64_t replicas_, first_, partition_;
  std::vector<const Json*> owned_;
  std::map<std::int64_t, const Json*> by_ordinal_;
  std::map<std::int64_t, bool> foreign_;
  SetRevisions revisions_;
  std::size_t acted_ = 0;
  std::optional<std::int64_t> wait_;
  Decision decision_;
};

}  // namespace

Decision decide_stateful_set(const StatefulSetObserved& observed) {
  return StatefulSetDecider(observed).run();
}

}  // namespace nacelle::control::workload
