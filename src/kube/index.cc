#include "kube/index.h"

#include <utility>

namespace nacelle::kube {

void Index::update(const ObjectKey& key, const Json* before, const Json* now) {
  if (before != nullptr) {
    for (const std::string& value : values_(*before)) {
      const auto found = keys_.find(value);
      if (found == keys_.end()) continue;
      found->second.erase(key);
      if (found->second.empty()) keys_.erase(found);
    }
  }
  if (now == nullptr) return;
  for (std::string& value : values_(*now)) keys_[std::move(value)].insert(key);
}

const std::set<ObjectKey>& Index::keys(const std::string& value) const {
  static const std::set<ObjectKey> kNone;
  const auto found = keys_.find(value);
  return found == keys_.end() ? kNone : found->second;
}

Index::Values by_label(std::string label) {
  return [label = std::move(label)](const Json& object) -> std::vector<std::string> {
    const Json& labels = map_at(object, {"metadata", "labels"});
    const auto found = labels.find(label);
    if (found == labels.end() || !found->is_string()) return {};
    return {found->get<std::string>()};
  };
}

Index::Values by_namespace() {
  return [](const Json& object) -> std::vector<std::string> {
    return {std::string(text_at(object, {"metadata", "namespace"}))};
  };
}

namespace {

std::vector<std::string> owners(const Json& object, bool controllers_only) {
  std::vector<std::string> out;
  for (const Json& owner : list_at(object, {"metadata", "ownerReferences"})) {
    if (controllers_only && !bool_at(owner, {"controller"})) continue;
    if (std::string uid(text_at(owner, {"uid"})); !uid.empty()) out.push_back(std::move(uid));
  }
  return out;
}

}  // namespace

Index::Values by_owner() {
  return [](const Json& object) { return owners(object, false); };
}

Index::Values by_controller() {
  return [](const Json& object) { return owners(object, true); };
}

Index::Values by_field(std::vector<std::string> path) {
  return [path = std::move(path)](const Json& object) -> std::vector<std::string> {
    const Json* at = &object;
    for (const std::string& name : path) {
      if ((at = find(*at, {name})) == nullptr) return {};
    }
    if (at->is_string()) return {at->get<std::string>()};
    if (at->is_number_integer() || at->is_boolean()) return {at->dump()};
    return {};
  };
}

}  // namespace nacelle::kube
