#include "kube/schema/rules.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "kube/schema/crd.h"
#include "kube/schema/names.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

bool same(const Json& before, const Json& after, Path path) {
  const Json* a = kube::find(before, path);
  const Json* b = kube::find(after, path);
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

void fixed(const Json& before, const Json& after, Path path, const char* field, Findings& out) {
  if (same(before, after, path)) return;
  const Json* value = kube::find(after, path);
  out.push_back(invalid(field, value != nullptr ? *value : Json(), "field is immutable"));
}

void check_replicas(const Json& object, Findings& out) {
  const auto replicas = number_at(object, {"spec", "replicas"});
  if (replicas.has_value() && *replicas < 0) {
    out.push_back(invalid("spec.replicas", *replicas, "must be greater than or equal to 0"));
  }
}

// The selector must choose the template's labels.
void check_selector(const Json& object, Findings& out) {
  const Json& selector = map_at(object, {"spec", "selector"});
  if (selector.empty()) {
    out.push_back(required("spec.selector"));
    return;
  }
  const Json& labels = map_at(object, {"spec", "template", "metadata", "labels"});
  for (const auto& [key, value] : map_at(selector, {"matchLabels"}).items()) {
    if (labels.contains(key) && labels[key] == value) continue;
    out.push_back(invalid("spec.template.metadata.labels", labels,
                          "`selector` does not match template `labels`"));
    return;
  }
}

void check_template(const Json& object, Findings& out) {
  std::set<std::string> claims;
  for (const Json& claim : list_at(object, {"spec", "volumeClaimTemplates"})) {
    claims.emplace(text_at(claim, {"metadata", "name"}));
  }
  check_pod_spec(map_at(object, {"spec", "template", "spec"}), "spec.template.spec", out, claims);
}

void check_workload(const Json& object, Findings& out) {
  check_replicas(object, out);
  check_selector(object, out);
  check_template(object, out);
  const std::string type = text(object, {"spec", "strategy", "type"});
  if (type == "Recreate" && kube::find(object, {"spec", "strategy", "rollingUpdate"}) != nullptr) {
    out.push_back(forbidden("spec.strategy.rollingUpdate",
                            "may not be specified when strategy `type` is 'Recreate'"));
  }
  if (!type.empty() && type != "Recreate" && type != "RollingUpdate") {
    out.push_back(unsupported("spec.strategy.type", type, {"Recreate", "RollingUpdate"}));
  }
}

void check_job(const Json& object, Findings& out) {
  check_template(object, out);
  const std::string restart = text(object, {"spec", "template", "spec", "restartPolicy"});
  if (restart == "Always") {
    out.push_back(
        required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
  }
}

void check_pod(const Json& object, Findings& out) {
  check_pod_spec(map_at(object, {"spec"}), "spec", out);
}

void check_service(const Json& object, Findings& out) {
  const std::string type = text(object, {"spec", "type"});
  static const std::vector<std::string> kTypes = {"ClusterIP", "ExternalName", "LoadBalancer",
                                                  "NodePort"};
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
    out.push_back(unsupported("spec.type", type, kTypes));
  }
  const Json& ports = list_at(object, {"spec", "ports"});
  if (ports.empty() && type != "ExternalName" && text_at(object, {"spec", "clusterIP"}) != "None") {
    out.push_back(required("spec.ports"));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string path = fmt::format("spec.ports[{}]", i);
    const auto number = number_at(ports[i], {"port"});
    if (!number.has_value() || *number < 1 || *number > 65535) {
      out.push_back(
          invalid(path + ".port", number.value_or(0), "must be between 1 and 65535, inclusive"));
    }
    const std::string name = text(ports[i], {"name"});
    if (name.empty() && ports.size() > 1) out.push_back(required(path + ".name"));
    if (!name.empty() && !names.insert(name).second) out.push_back(duplicate(path + ".name", name));
  }
}

constexpr std::size_t kMaxDataBytes = 1048576;

void check_data(const Json& object, Findings& out) {
  std::size_t bytes = 0;
  for (const char* map : {"data", "binaryData"}) {
    for (const auto& [key, value] : map_at(object, {map}).items()) {
      const bool fits = !key.empty() && key.size() <= 253 && key != "." && key != ".." &&
                        key.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789-_.") == std::string::npos;
      if (!fits) {
        out.push_back(
            invalid(fmt::format("{}[{}]", map, key), key,
                    "a valid config key must consist of alphanumeric characters, '-', '_' "
                    "or '.'"));
      }
      if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    }
  }
  // Secrets hold base64, which is a third longer than what counts.
  if (object.contains("type")) bytes = bytes / 4 * 3;
  if (bytes > kMaxDataBytes) out.push_back(too_long("data", kMaxDataBytes));
}

void check_data_update(const Json& before, const Json& after, Findings& out) {
  if (!same(before, after, {"type"})) {
    fixed(before, after, {"type"}, "type", out);
  }
  if (!bool_at(before, {"immutable"})) return;
  if (!bool_at(after, {"immutable"})) {
    out.push_back(forbidden("immutable", "field is immutable when `immutable` is set"));
  }
  for (const char* name : {"data", "binaryData"}) {
    if (!same(before, after, {name})) {
      out.push_back(forbidden(name, "field is immutable when `immutable` is set"));
    }
  }
}

void check_event(const Json& object, Findings& out) {
  const std::string where = text(object, {"involvedObject", "namespace"});
  const std::string here = text(object, {"metadata", "namespace"});
  if (where == here || (where.empty() && here == "default")) return;
  out.push_back(invalid("involvedObject.namespace", where, "does not match event.namespace"));
}

void check_autoscaler(const Json& object, Findings& out) {
  const auto most = number_at(object, {"spec", "maxReplicas"}).value_or(0);
  const auto least = number_at(object, {"spec", "minReplicas"}).value_or(1);
  if (most < 1) out.push_back(invalid("spec.maxReplicas", most, "must be greater than 0"));
  if (most >= 1 && most < least) {
    out.push_back(
        invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"));
  }
  for (const char* name : {"kind", "name"}) {
    if (text_at(object, {"spec", "scaleTargetRef", name}).empty()) {
      out.push_back(required(std::string("spec.scaleTargetRef.") + name));
    }
  }
}

void check_claim(const Json& object, Findings& out) {
  if (list_at(object, {"spec", "accessModes"}).empty()) {
    out.push_back(required("spec.accessModes", "at least 1 access mode is required"));
  }
  if (kube::find(object, {"spec", "resources", "requests", "storage"}) == nullptr) {
    out.push_back(required("spec.resources[storage]"));
  }
}

void check_claim_update(const Json& before, const Json& after, Findings& out) {
  Json old_spec = map_at(before, {"spec"});
  Json spec = map_at(after, {"spec"});
  // Binding names the volume; a claim may grow.
  for (Json* one : {&old_spec, &spec}) {
    one->erase("resources");
    if (text_at(before, {"spec", "volumeName"}).empty()) one->erase("volumeName");
  }
  // A claim from before there was a default class gets it later.
  if (!old_spec.contains("storageClassName") && !old_spec.contains("volumeName")) {
    spec.erase("storageClassName");
  }
  if (old_spec == spec) return;
  out.push_back(forbidden("spec",
                          "spec is immutable after creation except resources.requests and "
                          "volumeAttributesClassName for bound claims"));
}

void check_stateful_update(const Json& before, const Json& after, Findings& out) {
  Json old_spec = map_at(before, {"spec"});
  Json spec = map_at(after, {"spec"});
  for (Json* one : {&old_spec, &spec}) {
    for (const char* name :
         {"replicas", "template", "updateStrategy", "minReadySeconds", "ordinals",
          "persistentVolumeClaimRetentionPolicy", "revisionHistoryLimit"}) {
      one->erase(name);
    }
  }
  if (old_spec == spec) return;
  out.push_back(
      forbidden("spec",
                "updates to statefulset spec for fields other than 'replicas', "
                "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
}

void check_pod_update(const Json& before, const Json& after, Findings& out) {
  Json old_spec = map_at(before, {"spec"});
  Json spec = map_at(after, {"spec"});
  for (Json* one : {&old_spec, &spec}) {
    for (const char* name :
         {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) {
      one->erase(name);
    }
    for (const char* list : {"containers", "initContainers"}) {
      if (!one->contains(list) || !(*one)[list].is_array()) continue;
      for (Json& container : (*one)[list]) {
        if (container.is_object()) container.erase("image");
      }
    }
  }
  // A binding names the node once.
  if (text_at(before, {"spec", "nodeName"}).empty()) {
    old_spec.erase("nodeName");
    spec.erase("nodeName");
  }
  if (old_spec == spec) return;
  out.push_back(
      forbidden("spec",
                "pod updates may not change fields other than "
                "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 "
                "if it was previously negative)"));
}

void check_service_update(const Json& before, const Json& after, Findings& out) {
  const std::string old_ip = text(before, {"spec", "clusterIP"});
  const std::string ip = text(after, {"spec", "clusterIP"});
  if (old_ip.empty() || old_ip == ip || text(after, {"spec", "type"}) == "ExternalName") return;
  out.push_back(invalid("spec.clusterIPs[0]", Json::array({ip}), "may not change once set"));
}

using Check = void (*)(const Json&, Findings&);
using UpdateCheck = void (*)(const Json&, const Json&, Findings&);

const std::map<std::string_view, Check>& checks() {
  static const std::map<std::string_view, Check> kChecks = {
      {"pods", check_pod},
      {"deployments.apps", check_workload},
      {"replicasets.apps", check_workload},
      {"statefulsets.apps", check_workload},
      {"daemonsets.apps", check_workload},
      {"jobs.batch", check_job},
      {"services", check_service},
      {"configmaps", check_data},
      {"secrets", check_data},
      {"events", check_event},
      {"horizontalpodautoscalers.autoscaling", check_autoscaler},
      {"persistentvolumeclaims", check_claim},
      {"customresourcedefinitions.apiextensions.k8s.io",
       [](const Json& crd, Findings& out) {
         const Findings found = validate_crd(crd);
         out.insert(out.end(), found.begin(), found.end());
       }},
  };
  return kChecks;
}

void check_selector_update(const Json& before, const Json& after, Findings& out) {
  fixed(before, after, {"spec", "selector"}, "spec.selector", out);
}

const std::map<std::string_view, UpdateCheck>& update_checks() {
  static const std::map<std::string_view, UpdateCheck> kChecks = {
      {"pods", check_pod_update},
      {"deployments.apps", check_selector_update},
      {"replicasets.apps", check_selector_update},
      {"daemonsets.apps", check_selector_update},
      {"statefulsets.apps", check_stateful_update},
      {"jobs.batch",
       [](const Json& before, const Json& after, Findings& out) {
         check_selector_update(before, after, out);
         fixed(before, after, {"spec", "template"}, "spec.template", out);
       }},
      {"services", check_service_update},
      {"configmaps", check_data_update},
      {"secrets", check_data_update},
      {"persistentvolumeclaims", check_claim_update},
      {"storageclasses.storage.k8s.io",
       [](const Json& before, const Json& after, Findings& out) {
         fixed(before, after, {"provisioner"}, "provisioner", out);
         fixed(before, after, {"parameters"}, "parameters", out);
         fixed(before, after, {"reclaimPolicy"}, "reclaimPolicy", out);
         fixed(before, after, {"volumeBindingMode"}, "volumeBindingMode", out);
       }},
      {"customresourcedefinitions.apiextensions.k8s.io",
       [](const Json& before, const Json& after, Findings& out) {
         const Findings found = validate_crd_update(before, after);
         out.insert(out.end(), found.begin(), found.end());
       }},
  };
  return kChecks;
}

}  // namespace

void check_kind(const Json& object, const Kind& kind, Findings& out) {
  const auto found = checks().find(kind.collection);
  if (found != checks().end()) found->second(object, out);
}

void check_kind_update(const Json& before, const Json& after, const Kind& kind, Findings& out) {
  const auto found = update_checks().find(kind.collection);
  if (found != update_checks().end()) found->second(before, after, out);
}

}  // namespace nacelle::kube::schema
