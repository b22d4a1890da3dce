#include "control/core/conditions.h"

#include <algorithm>

namespace nacelle::control {

using kube::Json;

const Json* Conditions::find(std::string_view type) const {
  for (const Json& condition : list_) {
    if (kube::text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

std::string Conditions::status(std::string_view type) const {
  const Json* condition = find(type);
  return condition == nullptr ? "" : std::string(kube::text_at(*condition, {"status"}));
}

void Conditions::set(const Condition& condition) {
  Json now = {{"type", condition.type}, {"status", condition.status}};
  if (!condition.reason.empty()) now["reason"] = condition.reason;
  if (!condition.message.empty()) now["message"] = condition.message;
  for (Json& old : list_) {
    if (kube::text_at(old, {"type"}) != condition.type) continue;
    const bool moved = kube::text_at(old, {"status"}) != condition.status;
    const Json before = old.value("lastTransitionTime", Json());
    now["lastTransitionTime"] = moved || before.is_null() ? Json(now_) : before;
    old = std::move(now);
    return;
  }
  now["lastTransitionTime"] = now_;
  list_.push_back(std::move(now));
}

void Conditions::remove(std::string_view type) {
  for (auto at = list_.begin(); at != list_.end();) {
    at = kube::text_at(*at, {"type"}) == type ? list_.erase(at) : std::next(at);
  }
}

}  // namespace nacelle::control
