#include <algorithm>
#include <array>
#include <utility>

#include "control/core/kserve/objects.h"
#include "control/core/kserve/pod_injection.h"
#include "control/core/pod/expansion.h"
#include "kube/pod.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

constexpr std::array<std::string_view, 4> kAnnotationPrefixes = {
    "k8s.v1.cni.cncf.io", "kueue.x-k8s.io", "prometheus.io",
    "internal.serving.kserve.io/localmodel"};
constexpr std::array<std::string_view, 2> kLabelPrefixes = {
    "kueue.x-k8s.io", "internal.serving.kserve.io/localmodel"};

template <std::size_t N>
Json propagated(const Json& from, const std::array<std::string_view, N>& prefixes) {
  Json out = Json::object();
  for (const auto& [key, value] : from.items()) {
    if (std::any_of(prefixes.begin(), prefixes.end(), [&, &name = key](std::string_view prefix) {
          return name.starts_with(prefix);
        })) {
      out[key] = value;
    }
  }
  return out;
}

// One workload with what its objects share.
struct Side {
  const Owner& owner;
  const Workload& workload;
  bool prefill;

  [[nodiscard]] std::string role() const {
    if (prefill) return "prefill";
    return owner.spec.prefill ? "decode" : "both";
  }
  [[nodiscard]] std::string component(std::string_view part) const {
    std::string name = "llminferenceservice-workload";
    if (!part.empty()) name += "-" + std::string(part);
    return prefill ? name + "-prefill" : name;
  }
  [[nodiscard]] Json endpoint_labels(std::string_view part, std::string_view as_role) const {
    Json labels = common_labels(owner.name(), component(part));
    labels["kserve.io/component"] = "workload";
    labels["llm-d.ai/role"] = as_role;
    return labels;
  }
};

bool has_sidecar(const Json& pod) {
  for (const Json& init : kube::list_at(pod, {"initContainers"})) {
    if (text_at(init, {"name"}) == "llm-d-routing-sidecar") return true;
  }
  return false;
}

// The pod of a workload: the spec's, with model, adapters, pool and account.
Result<Json> pod_template(const Side& side, Json pod, Json labels, const std::string& account) {
  const Owner& owner = side.owner;
  const Injection what{.spec = owner.spec,
                       .workload = side.workload,
                       .global = owner.global,
                       .name_space = owner.name_space(),
                       .role = side.prefill ? "prefill" : "decode"};
  RETURN_IF_ERROR(inject(pod, what));
  if (has_sidecar(pod) && !owner.spec.router.is_null()) {
    const std::string named(text_at(owner.spec.scheduler, {"pool", "ref", "name"}));
    for (Json& init : pod["initContainers"]) {
      if (text_at(init, {"name"}) != "llm-d-routing-sidecar") continue;
      init["env"].push_back({{"name", "INFERENCE_POOL_NAME"},
                             {"value", named.empty() ? child_name(owner.name(), "-inference-pool")
                                                     : pod::escaped(named)}});
    }
  }
  if (!account.empty() && text_at(pod, {"serviceAccountName"}).empty()) {
    pod["serviceAccountName"] = account;
  }
  kube::remove_unknown_pod_fields(pod);  // their writer was warned
  Json metadata;
  metadata["labels"] =
      propagated(kube::map_at(owner.service, {"metadata", "labels"}), kLabelPrefixes);
  metadata["labels"].update(side.workload.labels);
  metadata["labels"].update(labels);
  Json annotations =
      propagated(kube::map_at(owner.service, {"metadata", "annotations"}), kAnnotationPrefixes);
  annotations.update(side.workload.annotations);
  annotations.erase(std::string(kModelRoutingAnnotation));
  if (!annotations.empty()) metadata["annotations"] = std::move(annotations);
  return Json{{"metadata", std::move(metadata)}, {"spec", std::move(pod)}};
}

Json object_metadata(const Side& side, const std::string& name, Json labels) {
  const Owner& owner = side.owner;
  Json all = propagated(kube::map_at(owner.service, {"metadata", "labels"}), kLabelPrefixes);
  all.update(labels);
  Json metadata = child_metadata(owner, name, std::move(all));
  Json annotations =
      propagated(kube::map_at(owner.service, {"metadata", "annotations"}), kAnnotationPrefixes);
  if (!annotations.empty()) metadata["annotations"] = std::move(annotations);
  if (kube::find(side.workload.scaling, {"wva"}) != nullptr) {
    const std::string_view cost = text_at(side.workload.scaling, {"wva", "variantCost"});
    metadata["annotations"]["llm-d.ai/managed"] = "true";
    metadata["annotations"]["llm-d.ai/model-id"] = owner.spec.model.name;
    metadata["annotations"]["llm-d.ai/variant-cost"] = cost.empty() ? "10.0" : cost;
    const std::string_view accelerator =
        text_at(side.workload.labels, {"inference.optimization/acceleratorName"});
    metadata["labels"]["inference.optimization/acceleratorName"] =
        accelerator.empty() ? "unknown" : accelerator;
  }
  return metadata;
}

void add_replicas(Json& spec, const Side& side) {
  if (!side.workload.scaling.is_null()) return;
  spec["replicas"] = side.workload.replicas.value_or(1);
}

Result<Json> deployment(const Side& side) {
  const std::string name = workload_name(side.owner, side.prefill);
  const Json labels = side.endpoint_labels("", side.role());
  const bool own_account = side.owner.platform.rbac && has_sidecar(side.workload.pod_template);
  ASSIGN_OR_RETURN(Json pod,
                   pod_template(side, side.workload.pod_template, labels, own_account ? name : ""));
  Json spec = {{"selector", {{"matchLabels", labels}}}, {"template", std::move(pod)}};
  add_replicas(spec, side);
  if (!side.workload.rollout_strategy.is_null()) {
    spec["strategy"] = {{"type", "RollingUpdate"},
                        {"rollingUpdate", side.workload.rollout_strategy}};
  }
  return Json{{"apiVersion", "apps/v1"},
              {"kind", "Deployment"},
              {"metadata", object_metadata(side, name, labels)},
              {"spec", std::move(spec)}};
}

Result<Json> leader_worker_set(const Side& side) {
  const std::string name = workload_name(side.owner, side.prefill);
  const std::string account = side.owner.platform.rbac ? name : "";
  const bool has_leader = !side.workload.pod_template.is_null();
  const std::int64_t size = side.workload.parallelism.size().value_or(1);
  // Without a leader's own pod the workers are the endpoints.
  const Json worker_labels =
      has_leader ? common_labels(side.owner.name(), side.component("worker"))
                 : side.endpoint_labels("worker", side.prefill ? "prefill" : "decode");
  ASSIGN_OR_RETURN(Json worker, pod_template(side, side.workload.worker, worker_labels, account));
  Json group = {{"size", size},
                {"restartPolicy", "RecreateGroupOnPodRestart"},
                {"workerTemplate", std::move(worker)}};
  if (has_leader) {
    ASSIGN_OR_RETURN(group["leaderTemplate"],
                     pod_template(side, side.workload.pod_template,
                                  side.endpoint_labels("leader", side.role()), account));
  }
  if (side.prefill && side.workload.parallelism.data) {
    group["subGroupPolicy"] = {{"subGroupSize", size}};
  }
  Json spec = {{"leaderWorkerTemplate", std::move(group)}, {"startupPolicy", "LeaderCreated"}};
  add_replicas(spec, side);
  if (const Json& rollout = side.workload.rollout_strategy; !rollout.is_null()) {
    spec["rolloutStrategy"] = {{"type", "RollingUpdate"},
                               {"rollingUpdateConfiguration",
                                {{"maxUnavailable", rollout.value("maxUnavailable", Json(1))},
                                 {"maxSurge", rollout.value("maxSurge", Json(0))}}}};
  }
  return Json{{"apiVersion", "leaderworkerset.x-k8s.io/v1"},
              {"kind", "LeaderWorkerSet"},
              {"metadata", object_metadata(side, name, worker_labels)},
              {"spec", std::move(spec)}};
}

// An account, and the right to see pods and pools for a sidecar.
void add_account(const Side& side, std::vector<Json>& out) {
  const Owner& owner = side.owner;
  const Json& pod = side.workload.pod_template;
  const bool sidecar = has_sidecar(pod);
  if (!owner.platform.rbac || (!sidecar && !side.workload.multi_node())) return;
  if (!text_at(pod, {"serviceAccountName"}).empty()) return;
  const std::string name = workload_name(owner, side.prefill);
  const Json labels = common_labels(owner.name(), side.component(""));
  out.push_back({{"apiVersion", "v1"},
                 {"kind", "ServiceAccount"},
                 {"metadata", child_metadata(owner, name, labels)}});
  if (!sidecar) return;
  const Json read = {"get", "list", "watch"};
  out.push_back({{"apiVersion", "rbac.authorization.k8s.io/v1"},
                 {"kind", "Role"},
                 {"metadata", child_metadata(owner, name + "-role", labels)},
                 {"rules",
                  {{{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", read}},
                   {{"apiGroups", {"inference.networking.k8s.io", "inference.networking.x-k8s.io"}},
                    {"resources", {"inferencepools"}},
                    {"verbs", read}}}}});
  out.push_back(
      {{"apiVersion", "rbac.authorization.k8s.io/v1"},
       {"kind", "RoleBinding"},
       {"metadata", child_metadata(owner, name + "-rb", labels)},
       {"roleRef",
        {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name + "-role"}}},
       {"subjects",
        {{{"kind", "ServiceAccount"}, {"name", name}, {"namespace", owner.name_space()}}}}});
}

Json workload_service(const Owner& owner) {
  const std::string scheme = owner.global.tls ? "https" : "http";
  Json labels = owner.spec.main.labels;
  labels.update(common_labels(owner.name(), kComponentWorkload));
  Json metadata =
      child_metadata(owner, child_name(owner.name(), "-kserve-workload-svc"), std::move(labels));
  Json annotations = owner.spec.main.annotations;
  annotations.erase(std::string(kModelRoutingAnnotation));
  if (!annotations.empty()) metadata["annotations"] = std::move(annotations);
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", std::move(metadata)},
          {"spec",
           {{"type", "ClusterIP"},
            {"selector", workload_selector(owner.name())},
            {"ports",
             {{{"name", scheme},
               {"appProtocol", scheme},
               {"protocol", "TCP"},
               {"port", 8000},
               {"targetPort", 8000}}}}}}};
}

}  // namespace

Json child_metadata(const Owner& owner, const std::string& name, Json labels) {
  return {{"name", name},
          {"namespace", owner.name_space()},
          {"labels", std::move(labels)},
          {"ownerReferences",
           {{{"apiVersion", text_at(owner.service, {"apiVersion"})},
             {"kind", text_at(owner.service, {"kind"})},
             {"name", owner.name()},
             {"uid", text_at(owner.service, {"metadata", "uid"})},
             {"controller", true},
             {"blockOwnerDeletion", true}}}}};
}

std::string workload_name(const Owner& owner, bool prefill) {
  const Workload& workload = prefill ? *owner.spec.prefill : owner.spec.main;
  std::string suffix = workload.multi_node() ? "-kserve-mn" : "-kserve";
  if (prefill) suffix += "-prefill";
  return child_name(owner.name(), suffix);
}

Result<std::vector<Json>> workload_objects(const Owner& owner) {
  std::vector<Json> out;
  for (const bool prefill : {false, true}) {
    if (prefill && !owner.spec.prefill) continue;
    const Side side{owner, prefill ? *owner.spec.prefill : owner.spec.main, prefill};
    add_account(side, out);
    ASSIGN_OR_RETURN(Json object,
                     side.workload.multi_node() ? leader_worker_set(side) : deployment(side));
    out.push_back(std::move(object));
  }
  out.push_back(workload_service(owner));
  const Json& annotations = kube::map_at(owner.service, {"metadata", "annotations"});
  const std::string_view device = text_at(annotations, {"serving.kserve.io/exp-dra-device-class"});
  if (!device.empty()) {
    Json request = {{"name", "device"}, {"exactly", {{"deviceClassName", device}}}};
    const std::string_view count = text_at(annotations, {"serving.kserve.io/exp-dra-device-count"});
    if (!count.empty()) request["exactly"]["count"] = Json::parse(count, nullptr, false);
    std::string_view lines = text_at(annotations, {"serving.kserve.io/exp-dra-cel-selector"});
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      request["exactly"]["selectors"].push_back({{"cel", {{"expression", lines.substr(0, end)}}}});
      lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
    }
    out.push_back({{"apiVersion", "resource.k8s.io/v1"},
                   {"kind", "ResourceClaimTemplate"},
                   {"metadata", child_metadata(owner, child_name(owner.name(), "-managed-dra"),
                                               common_labels(owner.name(), kComponentWorkload))},
                   {"spec", {{"spec", {{"devices", {{"requests", {std::move(request)}}}}}}}}});
  }
  return out;
}

}  // namespace nacelle::control::kserve
