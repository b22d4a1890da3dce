#include "control/core/kserve/config_status.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "control/core/kserve/names.h"
#include "kube/conditions.h"

namespace nacelle::control::kserve {
namespace {

using kube::Condition;
using kube::Conditions;
using kube::text_at;

Json list_of(std::vector<kube::ObjectKey> users) {
  std::sort(users.begin(), users.end(), [](const kube::ObjectKey& a, const kube::ObjectKey& b) {
    return std::tie(a.name, a.name_space) < std::tie(b.name, b.name_space);
  });
  users.erase(std::unique(users.begin(), users.end()), users.end());
  Json out = Json::array();
  for (const kube::ObjectKey& key : users) {
    out.push_back({{"name", key.name}, {"namespace", key.name_space}});
  }
  return out;
}

Condition in_use(const Json& users, bool deleting) {
  const std::string count = std::to_string(users.size()) + " service(s) use this config";
  if (users.empty()) return {"ConfigInUse", "False", "NotInUse", "no service uses this config"};
  if (deleting) return {"ConfigInUse", "True", "DeletionBlocked", count + ": it stays until then"};
  return {"ConfigInUse", "True", "InUse", count};
}

}  // namespace

std::vector<kube::ObjectKey> configs_of(const Json& service) {
  std::vector<kube::ObjectKey> out;
  for (const Json& applied : kube::list_at(service, {"status", "appliedConfigs"})) {
    out.push_back(
        {std::string(text_at(applied, {"namespace"})), std::string(text_at(applied, {"name"}))});
  }
  for (const Json& ref : kube::list_at(service, {"spec", "baseRefs"})) {
    out.push_back({kube::key_of(service).name_space, std::string(text_at(ref, {"name"}))});
  }
  return out;
}

Decision decide_config(const Json& config, std::vector<kube::ObjectKey> services,
                       const std::string& now) {
  Decision out;
  const Json users = list_of(std::move(services));
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
