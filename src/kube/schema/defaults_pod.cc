// defaults_pod.cc: defaults of pods, containers, probes and volumes.
#include "kube/schema/defaults.h"

namespace nacelle::kube::schema {
namespace {

void put(Json& object, const char* name, Json value) {
  if (!object.contains(name)) object[name] = std::move(value);
}

// The member as an object to change, or null.
Json* map_in(Json& object, const char* name) {
  const auto field = object.find(name);
  return field == object.end() || !field->is_object() ? nullptr : &*field;
}

template <class F>
void each(Json& object, const char* name, F visit) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_array()) return;
  for (Json& one : *field) {
    if (one.is_object()) visit(one);
  }
}

void default_http(Json& handler) {
  if (Json* http = map_in(handler, "httpGet")) {
    put(*http, "path", "/");
    put(*http, "scheme", "HTTP");
  }
  if (Json* grpc = map_in(handler, "grpc")) put(*grpc, "service", "");
}

void default_probe(Json& container, const char* name) {
  Json* probe = map_in(container, name);
  if (probe == nullptr) return;
  default_http(*probe);
  put(*probe, "timeoutSeconds", 1);
  put(*probe, "periodSeconds", 10);
  put(*probe, "successThreshold", 1);
  put(*probe, "failureThreshold", 3);
}

std::string pull_policy(const Json& container) {
  std::string image(text_at(container, {"image"}));
  const std::size_t digest = image.find('@');
  if (digest != std::string::npos) return "IfNotPresent";
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.find(':', slash == std::string::npos ? 0 : slash);
  return colon == std::string::npos || image.substr(colon + 1) == "latest" ? "Always"
                                                                           : "IfNotPresent";
}

void default_container(Json& container) {
  put(container, "terminationMessagePath", "/dev/termination-log");
  put(container, "terminationMessagePolicy", "File");
  put(container, "imagePullPolicy", pull_policy(container));
  put(container, "resources", Json::object());
  each(container, "ports", [](Json& port) { put(port, "protocol", "TCP"); });
  each(container, "env", [](Json& variable) {
    Json* source = map_in(variable, "valueFrom");
    if (source == nullptr) return;
    if (Json* field = map_in(*source, "fieldRef")) put(*field, "apiVersion", "v1");
    if (Json* field = map_in(*source, "resourceFieldRef")) put(*field, "divisor", "0");
  });
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    default_probe(container, name);
  }
  if (Json* lifecycle = map_in(container, "lifecycle")) {
    for (const char* name : {"postStart", "preStop"}) {
      if (Json* handler = map_in(*lifecycle, name)) default_http(*handler);
    }
  }
}

void default_items(Json& source) {
  each(source, "items", [](Json& item) {
    if (Json* field = map_in(item, "fieldRef")) put(*field, "apiVersion", "v1");
  });
}

void default_volume(Json& volume) {
  if (volume.size() <= 1) put(volume, "emptyDir", Json::object());
  for (const char* name : {"configMap", "secret", "downwardAPI", "projected"}) {
    Json* source = map_in(volume, name);
    if (source == nullptr) continue;
    put(*source, "defaultMode", 420);
    default_items(*source);
    each(*source, "sources", [](Json& part) {
      if (Json* token = map_in(part, "serviceAccountToken")) put(*token, "expirationSeconds", 3600);
      if (Json* fields = map_in(part, "downwardAPI")) default_items(*fields);
    });
  }
  if (Json* path = map_in(volume, "hostPath")) put(*path, "type", "");
}

// Requests default to limits; templates keep what their author wrote.
void default_requests(Json& container) {
  Json* resources = map_in(container, "resources");
  Json* limits = resources == nullptr ? nullptr : map_in(*resources, "limits");
  if (limits == nullptr) return;
  for (const auto& [name, amount] : limits->items()) {
    put((*resources)["requests"], name.c_str(), amount);
  }
}

std::string quality(const Json& spec) {
  bool any = false;
  bool all = true;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& container : list_at(spec, {list})) {
      for (const char* name : {"cpu", "memory"}) {
        const Json* limit = find(container, {"resources", "limits", name});
        const Json* request = find(container, {"resources", "requests", name});
        any = any || limit != nullptr || request != nullptr;
        all = all && limit != nullptr && request != nullptr && *limit == *request;
      }
    }
  }
  return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

void tolerate(Json& spec, const char* key) {
  Json& list = spec["tolerations"];
  if (!list.is_array()) list = Json::array();
  for (const Json& one : list) {
    const std::string_view given = text_at(one, {"key"});
    if (given == key || (given.empty() && text_at(one, {"operator"}) == "Exists")) return;
  }
  list.push_back(
      {{"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
}

}  // namespace

void default_pod_spec(Json& spec) {
  put(spec, "restartPolicy", "Always");
  put(spec, "terminationGracePeriodSeconds", 30);
  put(spec, "dnsPolicy", "ClusterFirst");
  put(spec, "securityContext", Json::object());
  put(spec, "schedulerName", "default-scheduler");
  each(spec, "containers", default_container);
  each(spec, "initContainers", default_container);
  each(spec, "volumes", default_volume);
  if (spec.contains("serviceAccountName")) put(spec, "serviceAccount", spec["serviceAccountName"]);
}

void default_pod(Json& pod, bool creating) {
  Json* spec = map_in(pod, "spec");
  if (spec == nullptr) return;
  default_pod_spec(*spec);
  put(*spec, "enableServiceLinks", true);
  each(*spec, "containers", default_requests);
  each(*spec, "initContainers", default_requests);
  if (!creating) return;
  put(*spec, "serviceAccountName", "default");
  put(*spec, "serviceAccount", (*spec)["serviceAccountName"]);
  put(*spec, "priority", 0);
  put(*spec, "preemptionPolicy", "PreemptLowerPriority");
  tolerate(*spec, "node.kubernetes.io/not-ready");
  tolerate(*spec, "node.kubernetes.io/unreachable");
  pod["status"] = {{"phase", "Pending"}, {"qosClass", quality(*spec)}};
}

}  // namespace nacelle::kube::schema
