#include "kube/conditions.h"

#include <algorithm>

namespace nacelle::kube {

const Json* Conditions::find(std::string_view type) const {
  for (const Json& condition : list_) {
    if (text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

std::string Conditions::status(std::string_view type) const {
  const Json* condition = find(type);
  return condition == nullptr ? "" : std::string(text_at(*condition, {"status"}));
}

void Conditions::set(const Condition& condition) {
  Json now = {{"type", condition.type}, {"status", condition.status}};
  if (!condition.reason.empty()) now["reason"] = condition.reason;
  if (!condition.message.empty()) now["message"] = condition.message;
  if (condition.observed_generation) now["observedGeneration"] = *condition.observed_generation;
  now["lastTransitionTime"] = transition(condition);
  for (Json& old : list_) {
    if (text_at(old, {"type"}) != condition.type) continue;
    old = std::move(now);
    return;
  }
  list_.push_back(std::move(now));
}

Json Conditions::transition(const Condition& condition) const {
  for (const Json& old : stored_) {
    if (text_at(old, {"type"}) != condition.type) continue;
    if (text_at(old, {"status"}) != condition.status) break;
    return old.value("lastTransitionTime", Json(now_));
  }
  return now_;
}

void Conditions::remove(std::string_view type) {
  for (auto at = list_.begin(); at != list_.end();) {
    at = text_at(*at, {"type"}) == type ? list_.erase(at) : std::next(at);
  }
}

}  // namespace nacelle::kube
