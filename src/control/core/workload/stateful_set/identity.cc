#include "control/core/workload/stateful_set/identity.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "control/core/workload/labels.h"
#include "control/core/workload/stateful_set/stateful_set.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

std::string claim_name(const Json& pattern, const std::string& pod) {
  return kube::key_of(pattern).name + "-" + pod;
}

Json plain_reference(const char* api_version, const char* kind, const Json& owner) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"name", kube::key_of(owner).name},
          {"uid", text_at(owner, {"metadata", "uid"})}};
}

}  // namespace

std::string stateful_pod_name(const Json& set, std::int64_t ordinal) {
  return kube::key_of(set).name + "-" + std::to_string(ordinal);
}

std::optional<std::int64_t> ordinal_of(const Json& set, const Json& pod) {
  const std::string base = kube::key_of(set).name + "-";
  const std::string name = kube::key_of(pod).name;
  if (!name.starts_with(base) || name.size() == base.size()) return std::nullopt;
  std::int64_t ordinal = 0;
  const char* const end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + base.size(), end, ordinal);
  // "web-01" and "web--1" are names of somebody else.
  if (error != std::errc{} || at != end || stateful_pod_name(set, ordinal) != name || ordinal < 0) {
    return std::nullopt;
  }
  return ordinal;
}

Json new_stateful_pod(const Json& set, std::int64_t ordinal, const Json& pattern,
                      const std::string& revision) {
  const std::string name = stateful_pod_name(set, ordinal);
  Json metadata = {{"name", name},
                   {"generateName", kube::key_of(set).name + "-"},
                   {"namespace", kube::key_of(set).name_space},
                   {"ownerReferences", Json::array({controller_reference(set)})}};
  for (const char* field : {"labels", "annotations", "finalizers"}) {
    const Json* value = kube::find(pattern, {"metadata", field});
    if (value != nullptr) metadata[field] = *value;
  }
  Json& labels = metadata["labels"];
  labels[std::string(kStatefulPodName)] = name;
  labels[std::string(kPodIndex)] = std::to_string(ordinal);
  labels[std::string(kControllerRevisionHash)] = revision;
  Json spec = kube::map_at(pattern, {"spec"});
  spec["hostname"] = name;
  if (const std::string_view service = text_at(set, {"spec", "serviceName"}); !service.empty()) {
    spec["subdomain"] = service;
  }
  // A claim template takes the place of a volume of its name.
  const Json& patterns = kube::list_at(set, {"spec", "volumeClaimTemplates"});
  Json volumes = Json::array();
  for (const Json& claim : patterns) {
    volumes.push_back({{"name", kube::key_of(claim).name},
                       {"persistentVolumeClaim", {{"claimName", claim_name(claim, name)}}}});
  }
  for (const Json& volume : kube::list_at(spec, {"volumes"})) {
    const bool replaced = std::any_of(patterns.begin(), patterns.end(), [&](const Json& claim) {
      return kube::key_of(claim).name == text_at(volume, {"name"});
    });
    if (!replaced) volumes.push_back(volume);
  }
  if (!volumes.empty()) spec["volumes"] = std::move(volumes);
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

std::vector<Json> wanted_claims(const Json& set, std::int64_t ordinal) {
  const std::string pod = stateful_pod_name(set, ordinal);
  std::vector<Json> out;
  for (const Json& pattern : kube::list_at(set, {"spec", "volumeClaimTemplates"})) {
    Json labels = kube::map_at(pattern, {"metadata", "labels"});
    for (const auto& [key, value] :
         kube::map_at(set, {"spec", "selector", "matchLabels"}).items()) {
      labels[key] = value;
    }
    Json metadata = {{"name", claim_name(pattern, pod)},
                     {"namespace", kube::key_of(set).name_space}};
    if (!labels.empty()) metadata["labels"] = std::move(labels);
    if (const Json* notes = kube::find(pattern, {"metadata", "annotations"}); notes != nullptr) {
      metadata["annotations"] = *notes;
    }
    out.push_back({{"apiVersion", "v1"},
                   {"kind", "PersistentVolumeClaim"},
                   {"metadata", std::move(metadata)},
                   {"spec", kube::map_at(pattern, {"spec"})}});
  }
  return out;
}

Json claim_owners(const Json& set, const Json& claim, const Json* pod, bool condemned) {
  const auto deletes = [&](const char* when) {
    return text_at(set, {"spec", "persistentVolumeClaimRetentionPolicy", when}) == "Delete";
  };
  const std::string_view set_uid = text_at(set, {"metadata", "uid"});
  const std::string_view pod_uid =
      pod == nullptr ? std::string_view() : text_at(*pod, {"metadata", "uid"});
  Json out = Json::array();
  for (const Json& owner : kube::list_at(claim, {"metadata", "ownerReferences"})) {
    const std::string_view uid = text_at(owner, {"uid"});
    if (uid != set_uid && (pod == nullptr || uid != pod_uid)) out.push_back(owner);
  }
  if (condemned && deletes("whenScaled")) {
    if (pod != nullptr) out.push_back(plain_reference("v1", "Pod", *pod));
  } else if (deletes("whenDeleted")) {
    out.push_back(plain_reference("apps/v1", "StatefulSet", set));
  }
  return out;
}

}  // namespace nacelle::control::workload
