#include "control/core/kserve/after_merge.h"

#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::text_at;

constexpr std::string_view kClaims = "serving.kserve.io/exp-dra-";

Json* down(Json& from, kube::Path path) {
  return const_cast<Json*>(find(from, path));  // NOLINT: the same object, found by the same reader
}

// The pod claims a device and its container says that it uses it.
void claim_device(Json& pod, const std::string& template_name, std::string_view container) {
  pod["resourceClaims"].push_back(
      {{"name", "managed-device"}, {"resourceClaimTemplateName", template_name}});
  for (Json& each : pod["containers"]) {
    if (text_at(each, {"name"}) == container) {
      each["resources"]["claims"].push_back({{"name", "managed-device"}});
    }
  }
}

void claim_devices(Json& spec, const Json& service) {
  const Json& annotations = kube::map_at(service, {"metadata", "annotations"});
  if (text_at(annotations, {std::string(kClaims) + "device-class"}).empty()) return;
  std::string_view container = text_at(annotations, {std::string(kClaims) + "container-name"});
  if (container.empty()) container = "main";
  const std::string name = child_name(kube::key_of(service).name, "-managed-dra");
  for (const kube::Path path :
       {kube::Path{"template"}, kube::Path{"worker"}, kube::Path{"prefill", "template"},
        kube::Path{"prefill", "worker"}}) {
    if (Json* pod = down(spec, path); pod != nullptr && pod->contains("containers")) {
      claim_device(*pod, name, container);
    }
  }
}

void set_parents(Json& spec) {
  Json* route = down(spec, {"router", "route", "http", "spec"});
  const Json& gateways = kube::list_at(spec, {"router", "gateway", "refs"});
  if (route == nullptr || gateways.empty()) return;
  Json parents = Json::array();
  for (const Json& gateway : gateways) {
    Json parent = {{"group", "gateway.networking.k8s.io"},
                   {"kind", "Gateway"},
                   {"name", text_at(gateway, {"name"})}};
    for (const char* optional : {"namespace", "sectionName"}) {
      if (gateway.contains(optional)) parent[optional] = gateway[optional];
    }
    parents.push_back(std::move(parent));
  }
  (*route)["parentRefs"] = std::move(parents);
}

// Backends that are the service's own pool become its Service, or the pool that it names.
void set_backends(Json& spec, const std::string& service) {
  Json* rules = down(spec, {"router", "route", "http", "spec", "rules"});
  if (rules == nullptr || !rules->is_array()) return;
  const bool has_scheduler = find(spec, {"router", "scheduler"}) != nullptr;
  const std::string pool(text_at(spec, {"router", "scheduler", "pool", "ref", "name"}));
  const std::string own = child_name(service, "-inference-pool");
  for (Json& rule : *rules) {
    if (!rule.is_object() || !rule.contains("backendRefs")) continue;
    for (Json& backend : rule["backendRefs"]) {
      if (text_at(backend, {"kind"}) != "InferencePool" || text_at(backend, {"name"}) != own) {
        continue;
      }
      if (!has_scheduler) {
        backend["group"] = "";
        backend["kind"] = "Service";
        backend["name"] = child_name(service, "-kserve-workload-svc");
      } else if (!pool.empty()) {
        backend["name"] = pool;
      }
    }
  }
}

// A config that a ConfigMap holds becomes one that stands in the spec.
Status read_config(Json& scheduler, const std::string& name_space, const GlobalConfig& global,
                   const Lookup& lookup) {
  const Json* ref = find(scheduler, {"config", "ref"});
  if (ref == nullptr) return {};
  const std::string name(text_at(*ref, {"name"}));
  std::string key(text_at(*ref, {"key"}));
  if (key.empty()) key = "epp";
  const auto look = [&](const std::string& where) -> const Json* {
    return lookup.config_map ? lookup.config_map(where, name) : nullptr;
  };
  const Json* map = look(name_space);
  std::string searched = "namespace " + name_space;
  if (map == nullptr && name.starts_with("config-scheduler-")) {
    map = look(global.system_namespace);
    searched += " and " + global.system_namespace;
  }
  if (map == nullptr) {
    return not_found("ConfigMap {} of the scheduler's config was not found in {}", name, searched);
  }
  const std::string_view text = text_at(*map, {"data", key});
  if (text.empty()) {
    return not_found("ConfigMap {} has no key {} for the scheduler's config", name, key);
  }
  Result<Json> parsed = kube::json_of_yaml(text);
  if (!parsed.ok()) return parsed.error().with_context("ConfigMap " + name + ", key " + key);
  scheduler["config"] = {{"inline", *std::move(parsed)}};
  return {};
}

}  // namespace

void before_rendering(Json& spec, const kube::ObjectKey& service) {
  Json* scheduler = down(spec, {"router", "scheduler"});
  if (scheduler == nullptr || !scheduler->is_object()) return;
  if (Json* selector = down(*scheduler, {"pool", "spec", "selector"}); selector != nullptr) {
    if (kube::map_at(*selector, {"matchLabels"}).empty()) {
      (*selector)["matchLabels"] = workload_selector(service.name);
    }
  }
  if (Json* pod = down(*scheduler, {"template"}); pod != nullptr && pod->is_object()) {
    if (text_at(*pod, {"serviceAccountName"}).empty()) {
      (*pod)["serviceAccountName"] = child_name(service.name, "-epp-sa");
    }
  }
}

Status after_rendering(Json& spec, const Json& service, const GlobalConfig& global,
                       const Lookup& lookup) {
  const kube::ObjectKey key = kube::key_of(service);
  claim_devices(spec, service);
  set_parents(spec);
  set_backends(spec, key.name);
  Json* scheduler = down(spec, {"router", "scheduler"});
  if (scheduler == nullptr || !scheduler->is_object()) return {};
  RETURN_IF_ERROR(read_config(*scheduler, key.name_space, global, lookup));
  if (Json* picker = down(*scheduler, {"pool", "spec", "endpointPickerRef"}); picker != nullptr) {
    const std::string_view kind = text_at(*picker, {"kind"});
    if ((kind.empty() || kind == "Service") && find(*picker, {"port"}) == nullptr) {
      (*picker)["port"] = {{"number", 9002}};
    }
  }
  return {};
}

}  // namespace nacelle::control::kserve
