#include "control/core/workload/garbage_collector/garbage_collector.h"

#include <algorithm>
#include <map>
#include <utility>

namespace nacelle::control::workload {
namespace {

using kube::text_at;

constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";

std::string uid_of(const Json& object) { return std::string(text_at(object, {"metadata", "uid"})); }

bool has_finalizer(const Json& object, std::string_view name) {
  const Json& list = kube::list_at(object, {"metadata", "finalizers"});
  return std::find(list.begin(), list.end(), Json(name)) != list.end();
}

class Collector {
 public:
  explicit Collector(const GarbageObserved& observed) : observed_(observed) {
    for (const Json& object : observed.objects) by_uid_[uid_of(object)] = &object;
    for (const Json& object : observed.objects) {
      for (const Json& owner : kube::list_at(object, {"metadata", "ownerReferences"})) {
        dependents_[std::string(text_at(owner, {"uid"}))].push_back({&object, &owner});
      }
    }
  }

  Decision run() {
    for (const Json& object : observed_.objects) {
      if (kube::is_being_deleted(object)) {
        if (has_finalizer(object, kOrphan))
          orphan(object);
        else if (has_finalizer(object, kForeground))
          foreground(object);
      } else {
        check_owners(object);
      }
    }
    return std::move(decision_);
  }

 private:
  struct Dependent {
    const Json* object;
    const Json* reference;
  };

  enum class Owner { kLives, kWaits, kGone };

  Owner state_of(const Json& reference, const Json& dependent) const {
    const auto at = by_uid_.find(std::string(text_at(reference, {"uid"})));
    if (at == by_uid_.end()) {
      const std::string kind =
          group_kind(text_at(reference, {"apiVersion"}), text_at(reference, {"kind"}));
      return observed_.complete_kinds.contains(kind) ? Owner::kGone : Owner::kLives;
    }
    const Json& owner = *at->second;
    const std::string own = kube::key_of(owner).name_space;
    // Owners stand in the same namespace or in none.
    if (!own.empty() && own != kube::key_of(dependent).name_space) return Owner::kGone;
    const bool waits = kube::is_being_deleted(owner) && has_finalizer(owner, kForeground);
    return waits ? Owner::kWaits : Owner::kLives;
  }

  bool has_blocking_dependents(const Json& object) const {
    const auto at = dependents_.find(uid_of(object));
    if (at == dependents_.end()) return false;
    return std::any_of(at->second.begin(), at->second.end(), [](const Dependent& dependent) {
      return kube::bool_at(*dependent.reference, {"blockOwnerDeletion"});
    });
  }

  void remove(const Json& object, bool owner_waits) {
    const bool in_front = owner_waits && has_blocking_dependents(object);
    decision_.actions.push_back(
        Delete{target_of(object), uid_of(object),
               in_front ? Propagation::kForeground : Propagation::kBackground});
  }

  void check_owners(const Json& object) {
    const Json& owners = kube::list_at(object, {"metadata", "ownerReferences"});
    if (owners.empty()) return;
    Json kept = Json::array();
    bool lives = false;
    bool waits = false;
    for (const Json& owner : owners) {
      const Owner state = state_of(owner, object);
      lives = lives || state == Owner::kLives;
      waits = waits || state == Owner::kWaits;
      if (state == Owner::kLives) kept.push_back(owner);
    }
    if (!lives) {
      remove(object, waits);
    } else if (kept.size() != owners.size()) {
      Json updated = object;
      updated["metadata"]["ownerReferences"] = std::move(kept);
      decision_.actions.push_back(Update{std::move(updated)});
    }
  }

  // The owner goes when nothing that blocks it is left; check_owners deletes the dependents.
  void foreground(const Json& owner) {
    const auto at = dependents_.find(uid_of(owner));
    if (at != dependents_.end()) {
      for (const Dependent& dependent : at->second) {
        if (kube::bool_at(*dependent.reference, {"blockOwnerDeletion"})) return;
      }
    }
    drop_finalizer(owner, kForeground);
  }

  void orphan(const Json& owner) {
    const std::string uid = uid_of(owner);
    const auto at = dependents_.find(uid);
    if (at != dependents_.end() && !at->second.empty()) {
      for (const Dependent& dependent : at->second) {
        Json freed = *dependent.object;
        Json kept = Json::array();
        for (const Json& reference : kube::list_at(freed, {"metadata", "ownerReferences"})) {
          if (text_at(reference, {"uid"}) != uid) kept.push_back(reference);
        }
        freed["metadata"]["ownerReferences"] = std::move(kept);
        decision_.actions.push_back(Update{std::move(freed)});
      }
      return;  // the finalizer goes when they are seen without their reference
    }
    drop_finalizer(owner, kOrphan);
  }

  void drop_finalizer(const Json& object, std::string_view name) {
    Json updated = object;
    Json& list = updated["metadata"]["finalizers"];
    list.erase(std::remove(list.begin(), list.end(), Json(name)), list.end());
    decision_.actions.push_back(Update{std::move(updated)});
  }

  const GarbageObserved& observed_;
  std::map<std::string, const Json*, std::less<>> by_uid_;
  std::map<std::string, std::vector<Dependent>, std::less<>> dependents_;
  Decision decision_;
};

}  // namespace

std::string group_kind(std::string_view api_version, std::string_view kind) {
  const std::size_t slash = api_version.find('/');
  return std::string(slash == api_version.npos ? "" : api_version.substr(0, slash)) + "/" +
         std::string(kind);
}

Decision collect_garbage(const GarbageObserved& observed) { return Collector(observed).run(); }

}  // namespace nacelle::control::workload
