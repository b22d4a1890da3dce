#include "kube/schema/defaults.h"

#include <map>

#include "base/base64.h"
#include "kube/schema/crd.h"

namespace nacelle::kube::schema {
namespace {

void put(Json& object, const char* name, Json value) {
  if (!object.contains(name)) object[name] = std::move(value);
}

Json& map_of(Json& object, const char* name) {
  Json& field = object[name];
  if (!field.is_object()) field = Json::object();
  return field;
}

// The pod template's spec; absent templates stay absent.
void default_template(Json& spec) {
  if (!spec.contains("template") || !spec["template"].is_object()) return;
  Json& pod = spec["template"];
  if (pod.contains("spec") && pod["spec"].is_object()) default_pod_spec(pod["spec"]);
}

void default_deployment(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "replicas", 1);
  Json& strategy = map_of(spec, "strategy");
  put(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    Json& rolling = map_of(strategy, "rollingUpdate");
    put(rolling, "maxSurge", "25%");
    put(rolling, "maxUnavailable", "25%");
  }
  put(spec, "revisionHistoryLimit", 10);
  put(spec, "progressDeadlineSeconds", 600);
  default_template(spec);
}

void default_replica_set(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "replicas", 1);
  default_template(spec);
}

void default_claim_spec(Json& spec) { put(spec, "volumeMode", "Filesystem"); }

void default_stateful_set(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "replicas", 1);
  put(spec, "podManagementPolicy", "OrderedReady");
  put(spec, "revisionHistoryLimit", 10);
  Json& strategy = map_of(spec, "updateStrategy");
  put(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") put(map_of(strategy, "rollingUpdate"), "partition", 0);
  Json& retention = map_of(spec, "persistentVolumeClaimRetentionPolicy");
  put(retention, "whenDeleted", "Retain");
  put(retention, "whenScaled", "Retain");
  if (spec.contains("volumeClaimTemplates") && spec["volumeClaimTemplates"].is_array()) {
    for (Json& claim : spec["volumeClaimTemplates"]) {
      if (!claim.is_object()) continue;
      put(claim, "kind", "PersistentVolumeClaim");
      put(claim, "apiVersion", "v1");
      default_claim_spec(map_of(claim, "spec"));
      put(map_of(claim, "status"), "phase", "Pending");
    }
  }
  default_template(spec);
}

void default_daemon_set(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "revisionHistoryLimit", 10);
  Json& strategy = map_of(spec, "updateStrategy");
  put(strategy, "type", "RollingUpdate");
  default_template(spec);
}

void default_job_spec(Json& spec) {
  if (!spec.contains("completions") && !spec.contains("parallelism")) put(spec, "completions", 1);
  put(spec, "parallelism", 1);
  put(spec, "backoffLimit", 6);
  put(spec, "completionMode", "NonIndexed");
  put(spec, "suspend", false);
  put(spec, "manualSelector", false);
  put(spec, "podReplacementPolicy", "TerminatingOrFailed");
  default_template(spec);
}

void default_job(Json& object, const DefaultsContext& context) {
  Json& spec = map_of(object, "spec");
  default_job_spec(spec);
  if (!context.creating || spec["manualSelector"] == true || spec.contains("selector")) return;
  const std::string name(text_at(object, {"metadata", "name"}));
  const auto mark = [&](Json& labels) {
    labels["batch.kubernetes.io/controller-uid"] = context.uid;
    labels["batch.kubernetes.io/job-name"] = name;
    labels["controller-uid"] = context.uid;
    labels["job-name"] = name;
  };
  spec["selector"] = {{"matchLabels", {{"batch.kubernetes.io/controller-uid", context.uid}}}};
  if (spec.contains("template") && spec["template"].is_object()) {
    mark(map_of(map_of(spec["template"], "metadata"), "labels"));
  }
}

void default_cron_job(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "concurrencyPolicy", "Allow");
  put(spec, "suspend", false);
  put(spec, "successfulJobsHistoryLimit", 3);
  put(spec, "failedJobsHistoryLimit", 1);
  if (!spec.contains("jobTemplate") || !spec["jobTemplate"].is_object()) return;
  Json& job = map_of(spec["jobTemplate"], "spec");
  default_template(job);
}

void default_service(Json& object, const DefaultsContext& context) {
  Json& spec = map_of(object, "spec");
  put(spec, "type", "ClusterIP");
  put(spec, "sessionAffinity", "None");
  if (spec.contains("ports") && spec["ports"].is_array()) {
    for (Json& port : spec["ports"]) {
      if (!port.is_object()) continue;
      put(port, "protocol", "TCP");
      if (port.contains("port")) put(port, "targetPort", port["port"]);
    }
  }
  put(map_of(object, "status"), "loadBalancer", Json::object());
  if (spec["type"] == "ExternalName") return;
  put(spec, "internalTrafficPolicy", "Cluster");
  put(spec, "ipFamilies", Json::array({"IPv4"}));
  put(spec, "ipFamilyPolicy", "SingleStack");
  if (spec["type"] == "NodePort" || spec["type"] == "LoadBalancer") {
    put(spec, "externalTrafficPolicy", "Cluster");
  }
  if (spec["type"] == "LoadBalancer") put(spec, "allocateLoadBalancerNodePorts", true);
  if (text_at(spec, {"clusterIP"}).empty() && context.cluster_ip) {
    const std::string address = context.cluster_ip();
    if (!address.empty()) spec["clusterIP"] = address;
  }
  if (!text_at(spec, {"clusterIP"}).empty())
    put(spec, "clusterIPs", Json::array({spec["clusterIP"]}));
}

void default_secret(Json& object, const DefaultsContext&) {
  put(object, "type", "Opaque");
  if (!object.contains("stringData")) return;
  const Json texts = object["stringData"];
  object.erase("stringData");
  if (!texts.is_object()) return;
  Json& data = map_of(object, "data");
  for (const auto& [name, value] : texts.items()) {
    if (value.is_string()) data[name] = encode_base64(value.get_ref<const std::string&>());
  }
}

void default_namespace(Json& object, const DefaultsContext& context) {
  Json& labels = map_of(map_of(object, "metadata"), "labels");
  labels["kubernetes.io/metadata.name"] = object["metadata"].value("name", "");
  if (!context.creating) return;
  map_of(object, "spec")["finalizers"] = Json::array({"kubernetes"});
  map_of(object, "status")["phase"] = "Active";
}

void default_claim(Json& object, const DefaultsContext& context) {
  Json& spec = map_of(object, "spec");
  default_claim_spec(spec);
  if (!context.creating) return;
  if (!spec.contains("storageClassName") && context.storage_class) {
    const std::string name = context.storage_class();
    if (!name.empty()) spec["storageClassName"] = name;
  }
  map_of(object, "status")["phase"] = "Pending";
}

void default_volume(Json& object, const DefaultsContext& context) {
  Json& spec = map_of(object, "spec");
  put(spec, "persistentVolumeReclaimPolicy", "Retain");
  put(spec, "volumeMode", "Filesystem");
  if (!context.creating) return;
  map_of(object, "status")["phase"] = "Pending";
}

void default_storage_class(Json& object, const DefaultsContext&) {
  put(object, "reclaimPolicy", "Delete");
  put(object, "volumeBindingMode", "Immediate");
}

void default_scaling_rules(Json& behavior, const char* name, bool up) {
  Json& rules = map_of(behavior, name);
  if (up) put(rules, "stabilizationWindowSeconds", 0);
  put(rules, "selectPolicy", "Max");
  Json policies = Json::array({{{"type", "Percent"}, {"value", 100}, {"periodSeconds", 15}}});
  if (up) {
    // Named first: a braced list would be inserted item by item.
    const Json pods = {{"type", "Pods"}, {"value", 4}, {"periodSeconds", 15}};
    policies.insert(policies.begin(), pods);
  }
  put(rules, "policies", std::move(policies));
}

void default_autoscaler(Json& object, const DefaultsContext&) {
  Json& spec = map_of(object, "spec");
  put(spec, "minReplicas", 1);
  put(spec, "metrics",
      Json::array({{{"type", "Resource"},
                    {"resource",
                     {{"name", "cpu"},
                      {"target", {{"type", "Utilization"}, {"averageUtilization", 80}}}}}}}));
  if (!spec.contains("behavior") || !spec["behavior"].is_object()) return;
  default_scaling_rules(spec["behavior"], "scaleUp", true);
  default_scaling_rules(spec["behavior"], "scaleDown", false);
}

void default_endpoint_slice(Json& object, const DefaultsContext&) {
  if (!object.contains("ports") || !object["ports"].is_array()) return;
  for (Json& port : object["ports"]) {
    if (!port.is_object()) continue;
    put(port, "name", "");
    put(port, "protocol", "TCP");
  }
}

void default_event(Json& object, const DefaultsContext&) {
  for (const char* name : {"firstTimestamp", "lastTimestamp", "eventTime"})
    put(object, name, nullptr);
  put(object, "reportingComponent",
      object.contains("source") && object["source"].is_object()
          ? object["source"].value("component", "")
          : "");
  put(object, "reportingInstance", "");
  put(object, "source", Json::object());
}

void default_node(Json& object, const DefaultsContext&) { map_of(object, "spec"); }

using Function = void (*)(Json&, const DefaultsContext&);
const std::map<std::string_view, Function>& table() {
  static const std::map<std::string_view, Function> kTable = {
      {"deployments.apps", default_deployment},
      {"replicasets.apps", default_replica_set},
      {"statefulsets.apps", default_stateful_set},
      {"daemonsets.apps", default_daemon_set},
      {"jobs.batch", default_job},
      {"cronjobs.batch", default_cron_job},
      {"services", default_service},
      {"secrets", default_secret},
      {"namespaces", default_namespace},
      {"persistentvolumeclaims", default_claim},
      {"persistentvolumes", default_volume},
      {"storageclasses.storage.k8s.io", default_storage_class},
      {"horizontalpodautoscalers.autoscaling", default_autoscaler},
      {"endpointslices.discovery.k8s.io", default_endpoint_slice},
      {"events", default_event},
      {"nodes", default_node},
      {"pods",
       [](Json& pod, const DefaultsContext& context) { default_pod(pod, context.creating); }},
      {"customresourcedefinitions.apiextensions.k8s.io",
       [](Json& crd, const DefaultsContext&) { default_crd(crd); }},
  };
  return kTable;
}

}  // namespace

void apply_defaults(Json& object, const Kind& kind, const DefaultsContext& context) {
  const auto found = table().find(kind.collection);
  if (found != table().end()) found->second(object, context);
}

}  // namespace nacelle::kube::schema
