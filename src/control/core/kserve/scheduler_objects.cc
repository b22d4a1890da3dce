#include <algorithm>
#include <utility>

#include "control/core/kserve/objects.h"
#include "control/core/kserve/pod_injection.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/kserve/scheduler_config.h"
#include "control/core/pod/expansion.h"
#include "kube/pod.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

bool has_flag(const Json& container, std::string_view flag) {
  for (const Json& arg : kube::list_at(container, {"args"})) {
    if (arg.is_string() && arg.get_ref<const std::string&>().starts_with(flag)) return true;
  }
  return false;
}

Json picker_deployment(const Owner& owner) {
  const Json& scheduler = owner.spec.scheduler;
  Json pod = kube::map_at(scheduler, {"template"});
  if (!owner.platform.rbac) pod.erase("serviceAccountName");
  const auto replicas = kube::number_at(scheduler, {"replicas"}).value_or(1);
  for (Json& container : pod["containers"]) {
    if (text_at(container, {"name"}) != "main") continue;
    Json& args = container["args"];
    if (!args.is_array()) args = Json::array();
    if (!has_flag(container, "--config-text") && !has_flag(container, "--config-file")) {
      args.push_back("--config-text");
      args.push_back(pod::escaped(scheduler_config_text(owner.spec)));
    }
    if (replicas > 1) args.push_back("--ha-enable-leader-election");
    if (owner.spec.tracing.is_null()) continue;
    args.push_back("--tracing=true");
    set_tracing_env(container, owner.spec.tracing, "inference-scheduler");
  }
  kube::remove_unknown_pod_fields(pod);  // their writer was warned
  const Json labels = common_labels(owner.name(), kComponentScheduler);
  Json metadata = {{"labels", kube::map_at(scheduler, {"labels"})}};
  metadata["labels"].update(labels);
  if (const Json& annotations = kube::map_at(scheduler, {"annotations"}); !annotations.empty()) {
    metadata["annotations"] = annotations;
  }
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata",
           child_metadata(owner, child_name(owner.name(), "-kserve-router-scheduler"), labels)},
          {"spec",
           {{"replicas", replicas},
            {"strategy", {{"type", "Recreate"}}},
            {"selector", {{"matchLabels", labels}}},
            {"template", {{"metadata", std::move(metadata)}, {"spec", std::move(pod)}}}}}};
}

// One port per named port of the picker's container.
Json picker_service(const Owner& owner) {
  std::vector<std::pair<std::string, std::int64_t>> ports;
  for (const Json& container : kube::list_at(owner.spec.scheduler, {"template", "containers"})) {
    for (const Json& port : kube::list_at(container, {"ports"})) {
      const std::string name(text_at(port, {"name"}));
      if (name == "grpc" || name == "grpc-health" || name == "metrics" || name == "zmq") {
        ports.emplace_back(name, kube::number_at(port, {"containerPort"}).value_or(0));
      }
    }
  }
  std::sort(ports.begin(), ports.end());
  Json list = Json::array();
  for (const auto& [name, number] : ports) {
    list.push_back({{"name", name}, {"port", number}, {"targetPort", name}, {"protocol", "TCP"}});
  }
  const Json labels = common_labels(owner.name(), kComponentScheduler);
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", child_metadata(owner, child_name(owner.name(), "-epp-service"), labels)},
          {"spec", {{"type", "ClusterIP"}, {"selector", labels}, {"ports", std::move(list)}}}};
}

// The pool of inference.networking.x-k8s.io/v1alpha2, with its older field names.
Json old_pool(Json pool) {
  pool["apiVersion"] = "inference.networking.x-k8s.io/v1alpha2";
  Json& spec = pool["spec"];
  Json old = {{"selector", kube::map_at(spec, {"selector", "matchLabels"})}};
  const Json& ports = kube::list_at(spec, {"targetPorts"});
  if (!ports.empty()) old["targetPortNumber"] = ports[0].value("number", Json(8000));
  const Json& picker = kube::map_at(spec, {"endpointPickerRef"});
  Json extension = {{"name", text_at(picker, {"name"})}};
  for (const char* field : {"group", "kind", "failureMode"}) {
    if (picker.contains(field)) extension[field] = picker[field];
  }
  if (const auto port = kube::number_at(picker, {"port", "number"})) {
    extension["portNumber"] = *port;
  }
  old["extensionRef"] = std::move(extension);
  spec = std::move(old);
  return pool;
}

Result<std::vector<Json>> tokenizer_objects(const Owner& owner) {
  const Json labels = common_labels(owner.name(), "tokenizer");
  const std::string name = child_name(owner.name(), "-tokenizer");
  Json pod = kube::map_at(owner.spec.scheduler, {"tokenizer", "template"});
  RETURN_IF_ERROR(inject_model_at_base(pod, owner.spec, owner.global));
  kube::remove_unknown_pod_fields(pod);
  std::vector<Json> out;
  out.push_back({{"apiVersion", "apps/v1"},
                 {"kind", "Deployment"},
                 {"metadata", child_metadata(owner, name, labels)},
                 {"spec",
                  {{"replicas", 1},
                   {"selector", {{"matchLabels", labels}}},
                   {"template", {{"metadata", {{"labels", labels}}}, {"spec", std::move(pod)}}}}}});
  out.push_back({{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata", child_metadata(owner, name, labels)},
                 {"spec",
                  {{"type", "ClusterIP"},
                   {"selector", labels},
                   {"ports",
                    {{{"name", "render-http"},
                      {"port", 8000},
                      {"targetPort", 8000},
                      {"protocol", "TCP"}}}}}}});
  return out;
}

void add_accounts(const Owner& owner, std::vector<Json>& out) {
  const std::string account(text_at(owner.spec.scheduler, {"template", "serviceAccountName"}));
  const std::string own = child_name(owner.name(), "-epp-sa");
  const Json labels = common_labels(owner.name(), kComponentScheduler);
  if (account == own) {
    out.push_back({{"apiVersion", "v1"},
                   {"kind", "ServiceAccount"},
                   {"metadata", child_metadata(owner, own, labels)}});
  }
  const Json read = {"get", "list", "watch"};
  const Json all = {"create", "delete", "get", "list", "patch", "update", "watch"};
  const auto rule = [](Json groups, Json resources, const Json& verbs) {
    return Json{
        {"apiGroups", std::move(groups)}, {"resources", std::move(resources)}, {"verbs", verbs}};
  };
  const std::string role = child_name(owner.name(), "-epp-role");
  const std::string binding = child_name(owner.name(), "-epp-rb");
  Json rules = Json::array();
  rules.push_back(rule(Json::array({""}), Json::array({"pods"}), read));
  rules.push_back(
      rule(Json::array({"inference.networking.k8s.io", "inference.networking.x-k8s.io"}),
           Json::array({"inferencepools", "inferenceobjectives", "inferencemodels"}), read));
  rules.push_back(rule(Json::array({"inference.networking.x-k8s.io"}),
                       Json::array({"inferencemodelrewrites", "inferencepoolimports"}), read));
  rules.push_back(rule(Json::array({"llm-d.ai"}),
                       Json::array({"inferenceobjectives", "inferencemodelrewrites"}), read));
  rules.push_back(rule(Json::array({"discovery.k8s.io"}), Json::array({"endpointslices"}), read));
  rules.push_back(rule(Json::array({"coordination.k8s.io"}), Json::array({"leases"}), all));
  out.push_back({{"apiVersion", "rbac.authorization.k8s.io/v1"},
                 {"kind", "Role"},
                 {"metadata", child_metadata(owner, role, labels)},
                 {"rules", std::move(rules)}});
  const Json subjects = Json::array(
      {{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", owner.name_space()}}});
  out.push_back(
      {{"apiVersion", "rbac.authorization.k8s.io/v1"},
       {"kind", "RoleBinding"},
       {"metadata", child_metadata(owner, binding, labels)},
       {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", role}}},
       {"subjects", subjects}});
  // Of the cluster: it has no owner, and goes with the service's finalizer.
  out.push_back({{"apiVersion", "rbac.authorization.k8s.io/v1"},
                 {"kind", "ClusterRoleBinding"},
                 {"metadata",
                  {{"name", child_name(owner.name_space(), "-" + owner.name() + "-epp-auth-rb")},
                   {"labels", labels}}},
                 {"roleRef",
                  {{"apiGroup", "rbac.authorization.k8s.io"},
                   {"kind", "ClusterRole"},
                   {"name", "system:auth-delegator"}}},
                 {"subjects", subjects}});
}

}  // namespace

Result<std::vector<Json>> scheduler_objects(const Owner& owner) {
  std::vector<Json> out;
  const Json& scheduler = owner.spec.scheduler;
  if (!owner.spec.managed_scheduler() || !kube::find(scheduler, {"template"})) return out;
  if (!owner.platform.picker_in_gateway) {
    if (needs_tokenizer(owner.spec)) {
      ASSIGN_OR_RETURN(out, tokenizer_objects(owner));
    }
    if (owner.platform.rbac) add_accounts(owner, out);
    out.push_back(picker_deployment(owner));
    out.push_back(picker_service(owner));
  }
  Json pool = {{"apiVersion", "inference.networking.k8s.io/v1"},
               {"kind", "InferencePool"},
               {"metadata", child_metadata(owner, child_name(owner.name(), "-inference-pool"),
                                           common_labels(owner.name(), kComponentScheduler))},
               {"spec", kube::map_at(scheduler, {"pool", "spec"})}};
  if (owner.platform.old_pools) out.push_back(old_pool(pool));
  out.push_back(std::move(pool));
  return out;
}

std::vector<Json> scaling_objects(const Owner& owner) {
  std::vector<Json> out;
  for (const bool prefill : {false, true}) {
    if (prefill && !owner.spec.prefill) continue;
    const Workload& workload = prefill ? *owner.spec.prefill : owner.spec.main;
    if (workload.scaling.is_null()) continue;
    const std::string middle = prefill ? "-kserve-prefill" : "-kserve";
    const Json target = {
        {"apiVersion", workload.multi_node() ? "leaderworkerset.x-k8s.io/v1" : "apps/v1"},
        {"kind", workload.multi_node() ? "LeaderWorkerSet" : "Deployment"},
        {"name", workload_name(owner, prefill)}};
    const Json labels = common_labels(owner.name(), kComponentWorkload);
    const auto least = kube::number_at(workload.scaling, {"minReplicas"}).value_or(1);
    const auto most = kube::number_at(workload.scaling, {"maxReplicas"}).value_or(least);
    if (const Json* hpa = kube::find(workload.scaling, {"wva", "hpa"}); hpa != nullptr) {
      const std::string name = child_name(owner.name(), middle + "-hpa");
      Json spec = {
          {"scaleTargetRef", target},
          {"minReplicas", least},
          {"maxReplicas", most},
          {"metrics", Json::array({{{"type", "External"},
                                    {"external",
                                     {{"metric",
                                       {{"name", "wva_desired_replicas"},
                                        {"selector", {{"matchLabels", {{"variant_name", name}}}}}}},
                                      {"target", {{"type", "Value"}, {"value", "1"}}}}}}})}};
      if (hpa->contains("behavior")) spec["behavior"] = (*hpa)["behavior"];
      out.push_back({{"apiVersion", "autoscaling/v2"},
                     {"kind", "HorizontalPodAutoscaler"},
                     {"metadata", child_metadata(owner, name, labels)},
                     {"spec", std::move(spec)}});
      continue;
    }
    const std::string name = child_name(owner.name(), middle + "-keda");
    const bool direct = kube::find(workload.scaling, {"keda"}) != nullptr;
    Json spec = direct ? kube::map_at(workload.scaling, {"keda"})
                       : kube::map_at(workload.scaling, {"wva", "keda"});
    spec["scaleTargetRef"] = target;
    spec["minReplicaCount"] = least;
    spec["maxReplicaCount"] = most;
    if (!direct) {
      spec["triggers"] =
          Json::array({{{"type", "prometheus"},
                        {"name", "wva-desired-replicas"},
                        {"metadata",
                         {{"serverAddress", owner.global.prometheus_url},
                          {"query", "wva_desired_replicas{variant_name=\"" + name +
                                        "\",exported_namespace=\"" + owner.name_space() + "\"}"},
                          {"threshold", "1"}}}}});
    }
    out.push_back({{"apiVersion", "keda.sh/v1alpha1"},
                   {"kind", "ScaledObject"},
                   {"metadata", child_metadata(owner, name, labels)},
                   {"spec", std::move(spec)}});
  }
  return out;
}

}  // namespace nacelle::control::kserve
