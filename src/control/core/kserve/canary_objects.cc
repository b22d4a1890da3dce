#include "control/core/kserve/canary_objects.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/core/children.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

constexpr std::string_view kComponent = "app.kubernetes.io/component";
constexpr std::string_view kEndpoint = "kserve.io/component";
constexpr std::string_view kCanaryEndpoint = "workload-canary";
constexpr std::int64_t kMostWeight = 1'000'000;  // of the Gateway API

// What a child of the service is called, and its counterpart.
struct Pair {
  std::string_view kind;
  std::string stable, canary;
};

std::vector<Pair> pairs_of(const Owner& owner) {
  const auto name = [&](std::string_view suffix) { return child_name(owner.name(), suffix); };
  std::vector<Pair> out = {
      {"Deployment", name("-kserve"), name("-kserve-canary")},
      {"Deployment", name("-kserve-prefill"), name("-kserve-canary-prefill")},
      {"LeaderWorkerSet", name("-kserve-mn"), name("-kserve-mn-canary")},
      {"LeaderWorkerSet", name("-kserve-mn-prefill"), name("-kserve-mn-canary-prefill")},
      {"Deployment", name("-kserve-router-scheduler"), name("-kserve-canary-scheduler")},
      {"Service", name("-kserve-workload-svc"), name("-kserve-canary-svc")},
      {"Service", name("-epp-service"), name("-canary-epp-service")},
      {"InferencePool", name("-inference-pool"), canary_pool_name(owner.name())}};
  return out;
}

const std::string* counterpart(const std::vector<Pair>& pairs, const Json& object) {
  const std::string name = kube::key_of(object).name;
  for (const Pair& pair : pairs) {
    if (text_at(object, {"kind"}) == pair.kind && name == pair.stable) return &pair.canary;
  }
  return nullptr;
}

// A backend without a kind is a Service.
bool names(const Json& backend, std::string_view kind, const std::string& name) {
  const std::string_view of = text_at(backend, {"kind"});
  return (of.empty() ? "Service" : of) == kind && text_at(backend, {"name"}) == name;
}

// Labels that say which pods are meant, for those of the canary.
void relabel(Json& labels) {
  if (const auto at = labels.find(std::string(kComponent)); at != labels.end()) {
    *at = at->get<std::string>() + "-canary";
  }
  if (const auto at = labels.find(std::string(kEndpoint)); at != labels.end()) {
    *at = kCanaryEndpoint;
  }
}

Json endpoints_of(const Owner& owner, const Revision& revision) {
  Json labels = workload_selector(owner.name());
  relabel(labels);
  labels[std::string(kRevisionAnnotation)] = revision.digest;
  return labels;
}

// Arguments and variables that name the service's pool, alone or at the end, name the canary's.
void rename_pool(Json& value, const std::string& from, const std::string& to) {
  if (value.is_structured()) {
    for (Json& each : value) rename_pool(each, from, to);
    return;
  }
  if (!value.is_string()) return;
  auto& text = value.get_ref<std::string&>();
  if (text == from || text.ends_with("=" + from) || text.ends_with("/" + from)) {
    text.replace(text.size() - from.size(), from.size(), to);
  }
}

// The pods of a workload, each with its metadata and spec.
std::vector<Json*> pods_of(Json& workload) {
  Json& spec = workload["spec"];
  if (text_at(workload, {"kind"}) == "Deployment") return {&spec["template"]};
  std::vector<Json*> out;
  for (const char* part : {"leaderTemplate", "workerTemplate"}) {
    const auto at = spec["leaderWorkerTemplate"].find(part);
    if (at != spec["leaderWorkerTemplate"].end()) out.push_back(&*at);
  }
  return out;
}

void make_workload(const Owner& owner, Json& object) {
  relabel(object["metadata"]["labels"]);
  if (const auto selector = object["spec"].find("selector"); selector != object["spec"].end())
    relabel((*selector)["matchLabels"]);
  for (Json* pod : pods_of(object)) {
    relabel((*pod)["metadata"]["labels"]);
    rename_pool((*pod)["spec"], child_name(owner.name(), "-inference-pool"),
                canary_pool_name(owner.name()));
  }
  // An autoscaler of variants does not find it: how many it has follows from the step.
  Json& annotations = object["metadata"]["annotations"];
  for (auto at = annotations.begin(); at != annotations.end();) {
    at = at.key().starts_with("llm-d.ai/") ? annotations.erase(at) : std::next(at);
  }
  if (annotations.empty()) object["metadata"].erase("annotations");
}

void make_pool(const Owner& owner, const Revision& revision, Json& object) {
  Json& spec = object["spec"];
  const bool old = text_at(object, {"apiVersion"}) != "inference.networking.k8s.io/v1";
  Json& selector = old ? spec["selector"] : spec["selector"]["matchLabels"];
  selector = endpoints_of(owner, revision);
  const auto picker = spec.find(old ? "extensionRef" : "endpointPickerRef");
  const std::string own = child_name(owner.name(), "-epp-service");
  if (picker != spec.end() && text_at(*picker, {"name"}) == own) {
    (*picker)["name"] = child_name(owner.name(), "-canary-epp-service");
  }
}

// The canary's counterpart of one of the service's own backends.
std::optional<Json> canary_backend(const std::vector<Pair>& pairs, const Json& backend) {
  for (const Pair& pair : pairs) {
    if (!names(backend, pair.kind, pair.stable)) continue;
    Json out = backend;
    out["name"] = pair.canary;
    return out;
  }
  return std::nullopt;
}

void split_rule(const std::vector<Pair>& pairs, std::int64_t percent, Json& rule) {
  const Json& backends = kube::list_at(rule, {"backendRefs"});
  Json out = Json::array();
  bool split = false;
  for (const Json& backend : backends) {
    const std::int64_t weight = kube::number_at(backend, {"weight"}).value_or(1);
    const auto add = [&](Json one, std::int64_t share) {
      one["weight"] = std::min(weight * share, kMostWeight);
      out.push_back(std::move(one));
    };
    auto canary = canary_backend(pairs, backend);
    add(backend, canary ? 100 - percent : 100);
    if (!canary) continue;
    add(*std::move(canary), percent);
    split = true;
  }
  if (split) rule["backendRefs"] = std::move(out);
}

}  // namespace

bool is_workload(std::string_view kind) {
  return kind == "Deployment" || kind == "LeaderWorkerSet";
}

const char* workload_template_key(std::string_view kind) {
  return kind == "LeaderWorkerSet" ? "leaderWorkerTemplate" : "template";
}

const Json& workload_template(const Json& workload) {
  return kube::map_at(workload, {"spec", workload_template_key(text_at(workload, {"kind"}))});
}

bool is_stable(const Owner& owner, const Json& object) {
  if (!is_workload(text_at(object, {"kind"}))) return false;
  const std::string name = kube::key_of(object).name;
  return name == workload_name(owner, false) ||
         (owner.spec.prefill && name == workload_name(owner, true));
}

std::string canary_workload_name(const Owner& owner, bool prefill) {
  const Workload& workload = prefill ? *owner.spec.prefill : owner.spec.main;
  std::string suffix = workload.multi_node() ? "-kserve-mn-canary" : "-kserve-canary";
  if (prefill) suffix += "-prefill";
  return child_name(owner.name(), suffix);
}

std::string canary_pool_name(const std::string& service) {
  return child_name(service, "-canary-inference-pool");
}

Revision revision_of(const Owner& owner, const std::vector<Json>& wanted) {
  Json templates = Json::array();
  for (const Json& object : wanted) {
    if (is_stable(owner, object)) templates.push_back(workload_template(object));
  }
  std::vector<std::string> models = {owner.spec.model.name};
  for (const Adapter& adapter : owner.spec.model.adapters) models.push_back(adapter.name);
  std::sort(models.begin(), models.end());
  Revision out{.digest = digest_of(templates), .models = {}};
  for (const std::string& model : models) out.models += (out.models.empty() ? "" : ",") + model;
  return out;
}

void set_revision(Json& workload, const Revision& revision) {
  Json& annotations = workload["metadata"]["annotations"];
  annotations[std::string(kRevisionAnnotation)] = revision.digest;
  annotations[std::string(kRevisionModelsAnnotation)] = revision.models;
}

std::vector<Json> canary_objects(
    const Owner& owner, const std::vector<Json>& wanted, const Revision& revision,
    const std::function<std::int64_t(const Json& workload)>& replicas) {
  const std::vector<Pair> pairs = pairs_of(owner);
  std::vector<Json> out;
  for (const Json& object : wanted) {
    const std::string* name = counterpart(pairs, object);
    if (name == nullptr) continue;
    Json copy = object;
    copy["metadata"]["name"] = *name;
    const std::string_view kind = text_at(object, {"kind"});
    if (is_workload(kind)) {
      make_workload(owner, copy);
      if (is_stable(owner, object)) {
        copy["spec"]["replicas"] = replicas(object);
        for (Json* pod : pods_of(copy))
          (*pod)["metadata"]["labels"][std::string(kRevisionAnnotation)] = revision.digest;
        set_revision(copy, revision);
      }
    } else if (kind == "InferencePool") {
      make_pool(owner, revision, copy);
    } else if (*name == child_name(owner.name(), "-kserve-canary-svc")) {
      copy["spec"]["selector"] = endpoints_of(owner, revision);
    } else {
      relabel(copy["spec"]["selector"]);
    }
    out.push_back(std::move(copy));
  }
  return out;
}

bool is_of_canary(const Owner& owner, const Json& child) {
  const std::string name = kube::key_of(child).name;
  const std::vector<Pair> pairs = pairs_of(owner);
  return std::any_of(pairs.begin(), pairs.end(), [&](const Pair& pair) {
    return text_at(child, {"kind"}) == pair.kind && name == pair.canary;
  });
}

bool is_refusal_of_canary(const Owner& owner, std::string_view refusal) {
  const std::vector<Pair> pairs = pairs_of(owner);
  return std::any_of(pairs.begin(), pairs.end(), [&](const Pair& pair) {
    return refusal.starts_with(std::string(pair.kind) + " " + pair.canary + ":");
  });
}

void split_route(const Owner& owner, std::int64_t percent, Json& route) {
  const std::vector<Pair> pairs = pairs_of(owner);
  for (Json& rule : route["spec"]["rules"]) split_rule(pairs, percent, rule);
}

bool sends_to_canary(const Owner& owner, const Json& route) {
  const std::vector<Pair> pairs = pairs_of(owner);
  for (const Json& rule : kube::list_at(route, {"spec", "rules"})) {
    for (const Json& backend : kube::list_at(rule, {"backendRefs"})) {
      for (const Pair& pair : pairs) {
        if (names(backend, pair.kind, pair.canary)) return true;
      }
    }
  }
  return false;
}

bool pool_takes_canary(const Owner& owner, const std::vector<Json>& wanted) {
  const std::string pool = child_name(owner.name(), "-inference-pool");
  const Json* selector = nullptr;
  Json labels = Json::object();
  for (const Json& object : wanted) {
    const std::string name = kube::key_of(object).name;
    if (name == pool && text_at(object, {"apiVersion"}) == "inference.networking.k8s.io/v1") {
      selector = &kube::map_at(object, {"spec", "selector", "matchLabels"});
    }
    if (is_workload(text_at(object, {"kind"})) && name == workload_name(owner, false)) {
      const Json& pods = workload_template(object);
      const bool set = text_at(object, {"kind"}) == "LeaderWorkerSet";
      const bool led = set && pods.contains("leaderTemplate");
      const Json& answers = !set  ? pods
                            : led ? kube::map_at(pods, {"leaderTemplate"})
                                  : kube::map_at(pods, {"workerTemplate"});
      labels = kube::map_at(answers, {"metadata", "labels"});
    }
  }
  if (selector == nullptr) return false;
  relabel(labels);
  return std::all_of(selector->items().begin(), selector->items().end(), [&](const auto& each) {
    const auto at = labels.find(each.key());
    return at != labels.end() && *at == each.value();
  });
}

}  // namespace nacelle::control::kserve
