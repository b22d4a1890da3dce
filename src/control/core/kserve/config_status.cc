#include "control/core/kserve/config_status.h"

#include <algorithm>
#include <utility>

#include "control/core/kserve/names.h"
#include "kube/conditions.h"

namespace nacelle::control::kserve {
namespace {

using kube::Condition;
using kube::Conditions;
using kube::text_at;

bool uses(const Json& service, const kube::ObjectKey& config) {
  for (const Json& applied : kube::list_at(service, {"status", "appliedConfigs"})) {
    if (text_at(applied, {"name"}) == config.name &&
        text_at(applied, {"namespace"}) == config.name_space) {
      return true;
    }
  }
  // Named, and not laid over yet.
  if (kube::key_of(service).name_space != config.name_space) return false;
  const Json& refs = kube::list_at(service, {"spec", "baseRefs"});
  return std::any_of(refs.begin(), refs.end(),
                     [&](const Json& ref) { return text_at(ref, {"name"}) == config.name; });
}

Json users_of(const kube::ObjectKey& config, const std::vector<Json>& services) {
  Json out = Json::array();
  for (const Json& service : services) {
    if (!uses(service, config)) continue;
    const kube::ObjectKey key = kube::key_of(service);
    out.push_back({{"name", key.name}, {"namespace", key.name_space}});
  }
  std::sort(out.begin(), out.end());
  return out;
}

Condition in_use(const Json& users, bool deleting) {
  const std::string count = std::to_string(users.size()) + " service(s) use this config";
  if (users.empty()) return {"ConfigInUse", "False", "NotInUse", "no service uses this config"};
  if (deleting) return {"ConfigInUse", "True", "DeletionBlocked", count + ": it stays until then"};
  return {"ConfigInUse", "True", "InUse", count};
}

}  // namespace

Decision decide_config(const Json& config, const std::vector<Json>& services,
                       const std::string& now) {
  Decision out;
  const Json users = users_of(kube::key_of(config), services);
  const bool deleting = kube::is_being_deleted(config);
  const Json& finalizers = kube::list_at(config, {"metadata", "finalizers"});
  const bool held =
      std::find(finalizers.begin(), finalizers.end(), Json(kConfigFinalizer)) != finalizers.end();
  if (held != !users.empty() && (held || !deleting)) {
    Json changed = config;
    Json& list = changed["metadata"]["finalizers"];
    if (held) {
      list.erase(std::remove(list.begin(), list.end(), Json(kConfigFinalizer)), list.end());
    } else {
      list.push_back(kConfigFinalizer);
    }
    out.actions.push_back(Update{std::move(changed)});
    return out;  // the status is written from what comes of it
  }
  Json status = kube::map_at(config, {"status"});
  Conditions conditions(kube::list_at(config, {"status", "conditions"}), now);
  conditions.set({"Ready", "True", "", ""});
  conditions.set(in_use(users, deleting));
  status["conditions"] = conditions.list();
  if (users.empty()) {
    status.erase("referencedBy");
  } else {
    status["referencedBy"] = users;
  }
  if (const auto generation = kube::number_at(config, {"metadata", "generation"})) {
    status["observedGeneration"] = *generation;
  }
  if (status == kube::map_at(config, {"status"})) return out;
  Json updated = config;
  updated["status"] = std::move(status);
  out.actions.push_back(UpdateStatus{std::move(updated)});
  return out;
}

}  // namespace nacelle::control::kserve
