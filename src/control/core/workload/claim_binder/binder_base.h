// binder_base.h: what the two halves of the binder share: actions, events that are told once, and
// what is in use.
//
// Home:    pure; lives for one decision.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "control/core/workload/claim_binder/claim_binder.h"

namespace nacelle::control::workload {

inline constexpr std::string_view kClaimProtection = "kubernetes.io/pvc-protection";
inline constexpr std::string_view kVolumeProtection = "kubernetes.io/pv-protection";
inline constexpr const char* kBoundByController = "pv.kubernetes.io/bound-by-controller";
inline constexpr const char* kBindCompleted = "pv.kubernetes.io/bind-completed";
inline constexpr const char* kProvisionedBy = "pv.kubernetes.io/provisioned-by";

[[nodiscard]] inline std::string uid_of(const Json& object) {
  return std::string(kube::text_at(object, {"metadata", "uid"}));
}
[[nodiscard]] inline bool has_annotation(const Json& object, std::string_view name) {
  return kube::find(object, {"metadata", "annotations", name}) != nullptr;
}
[[nodiscard]] inline bool has_finalizer(const Json& object, std::string_view name) {
  const Json& list = kube::list_at(object, {"metadata", "finalizers"});
  return std::find(list.begin(), list.end(), Json(name)) != list.end();
}
inline void add_finalizer(Json& object, std::string_view name) {
  if (!has_finalizer(object, name)) object["metadata"]["finalizers"].push_back(name);
}
inline void drop_finalizer(Json& object, std::string_view name) {
  Json& list = object["metadata"]["finalizers"];
  list.erase(std::remove(list.begin(), list.end(), Json(name)), list.end());
  if (list.empty()) object["metadata"].erase("finalizers");
}

class BinderActions {
 public:
  BinderActions(ClaimsDecision& out, ClaimsMemory& memory) : out_(out), memory_(memory) {}

  void act(Action action) { out_.decision.actions.push_back(std::move(action)); }
  void reclaim(Reclaim what) { out_.reclaims.push_back(std::move(what)); }

  // When `changed` differs from `before` in anything but its status.
  void update(const Json& before, Json changed) {
    if (changed != before) act(Update{std::move(changed)});
  }
  void update_status(const Json& before, Json status) {
    if (status == kube::map_at(before, {"status"})) return;
    Json changed = before;
    changed["status"] = std::move(status);
    act(UpdateStatus{std::move(changed)});
  }
  void tell(const Json& about, const char* type, const char* reason, const std::string& message) {
    std::string& last = memory_.told[uid_of(about)];
    if (last == reason + message) return;
    last = reason + message;
    act(RecordEvent{target_of(about), type, reason, message});
  }

 private:
  ClaimsDecision& out_;
  ClaimsMemory& memory_;
};

}  // namespace nacelle::control::workload
