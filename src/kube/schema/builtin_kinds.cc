// builtin_kinds.cc: the table of kinds that need no CRD.
#include <sstream>

#include "kube/schema/cells.h"
#include "kube/schema/convert.h"
#include "kube/schema/kind.h"
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {
namespace {

enum Trait : unsigned {
  kCluster = 1,     // not namespaced
  kStatus = 2,      // status subresource
  kGeneration = 4,  // metadata.generation counts
  kScale = 8,       // scale subresource
  kAll = 16,        // in `kubectl get all`
  kMakes = 32,      // PUT creates
  kCustom = 64,     // a CRD elsewhere: its rules
  kComputed = 128,  // get and list only, of what somebody measures
};

struct Row {
  const char* group;
  const char* version;
  const char* kind;
  const char* plural;
  const char* short_names;
  unsigned traits;
  const char* message = "";     // "": the kind's name
  const char* collection = "";  // "": plural.group
  const char* storage = "";     // "": this version
  const char* selectable = "";  // field selectors
};

constexpr const char* kGatewayGroup = "gateway.networking.k8s.io";
constexpr const char* kEventFields =
    "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid "
    "involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason "
    "reportingComponent source type";
constexpr const char* kNewEventFields =
    "regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion "
    "regarding.resourceVersion regarding.fieldPath reason reportingController type";
constexpr const char* kPodFields =
    "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork "
    "status.phase status.podIP status.podIPs status.nominatedNodeName";

constexpr Row kRows[] = {
    {"", "v1", "ConfigMap", "configmaps", "cm", 0},
    {"", "v1", "Endpoints", "endpoints", "ep", 0},
    {"", "v1", "Event", "events", "ev", 0, "core.v1.Event", "events", "v1", kEventFields},
    {"", "v1", "LimitRange", "limitranges", "limits", 0},
    {"", "v1", "Namespace", "namespaces", "ns", kCluster | kStatus, "", "", "", "status.phase"},
    {"", "v1", "Node", "nodes", "no", kCluster | kStatus, "", "", "", "spec.unschedulable"},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", kStatus},
    {"", "v1", "PersistentVolume", "persistentvolumes", "pv", kCluster | kStatus},
    {"", "v1", "Pod", "pods", "po", kStatus | kGeneration | kAll, "", "", "", kPodFields},
    {"", "v1", "ResourceQuota", "resourcequotas", "quota", kStatus},
    {"", "v1", "Secret", "secrets", "", 0, "", "", "", "type"},
    {"", "v1", "ServiceAccount", "serviceaccounts", "sa", 0},
    {"", "v1", "Service", "services", "svc", kStatus | kAll, "", "", "",
     "spec.clusterIP spec.type"},
    {"apps", "v1", "ControllerRevision", "controllerrevisions", "", 0},
    {"apps", "v1", "DaemonSet", "daemonsets", "ds", kStatus | kGeneration | kAll},
    {"apps", "v1", "Deployment", "deployments", "deploy", kStatus | kGeneration | kScale | kAll},
    {"apps", "v1", "ReplicaSet", "replicasets", "rs", kStatus | kGeneration | kScale | kAll, "", "",
     "", "status.replicas"},
    {"apps", "v1", "StatefulSet", "statefulsets", "sts", kStatus | kGeneration | kScale | kAll},
    {"batch", "v1", "CronJob", "cronjobs", "cj", kStatus | kGeneration | kAll},
    {"batch", "v1", "Job", "jobs", "", kStatus | kGeneration | kAll, "", "", "",
     "status.successful"},
    {"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa",
     kStatus | kAll, "autoscaling.v2.HorizontalPodAutoscaler"},
    {"autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa",
     kStatus | kAll, "autoscaling.v1.HorizontalPodAutoscaler", "", "autoscaling/v2"},
    {"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", kStatus | kGeneration},
    {"coordination.k8s.io", "v1", "Lease", "leases", "", kMakes},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", kGeneration},
    {"events.k8s.io", "v1", "Event", "events", "ev", 0, "events.v1.Event", "events", "v1",
     kNewEventFields},
    {"storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", kCluster},
    {"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", kCluster},
    {"networking.k8s.io", "v1", "IngressClass", "ingressclasses", "", kCluster},
    {"networking.k8s.io", "v1", "Ingress", "ingresses", "ing", kStatus | kGeneration},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", kGeneration},
    {"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", "", kCluster},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "", kCluster},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "", 0},
    {"rbac.authorization.k8s.io", "v1", "Role", "roles", "", 0},
    {"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration",
     "mutatingwebhookconfigurations", "", kCluster | kGeneration},
    {"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration",
     "validatingwebhookconfigurations", "", kCluster | kGeneration},
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
     "crd crds", kCluster | kStatus | kGeneration},
    {"metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", "", kCluster | kComputed},
    {"metrics.k8s.io", "v1beta1", "PodMetrics", "pods", "", kComputed},
    {kGatewayGroup, "v1", "GatewayClass", "gatewayclasses", "gc",
     kCluster | kStatus | kGeneration | kCustom},
    {kGatewayGroup, "v1", "Gateway", "gateways", "gtw", kStatus | kGeneration | kCustom},
    {kGatewayGroup, "v1", "HTTPRoute", "httproutes", "", kStatus | kGeneration | kCustom},
    {kGatewayGroup, "v1", "GRPCRoute", "grpcroutes", "", kStatus | kGeneration | kCustom},
    {kGatewayGroup, "v1beta1", "ReferenceGrant", "referencegrants", "refgrant",
     kGeneration | kCustom},
    {"inference.networking.k8s.io", "v1", "InferencePool", "inferencepools", "infpool",
     kStatus | kGeneration | kCustom},
    {"inference.networking.x-k8s.io", "v1alpha2", "InferenceObjective", "inferenceobjectives", "",
     kStatus | kGeneration | kCustom},
    {"inference.networking.x-k8s.io", "v1alpha2", "InferenceModelRewrite", "inferencemodelrewrites",
     "", kStatus | kGeneration | kCustom},
    {"llm-d.ai", "v1alpha2", "InferenceObjective", "inferenceobjectives", "",
     kStatus | kGeneration | kCustom},
    {"llm-d.ai", "v1alpha2", "InferenceModelRewrite", "inferencemodelrewrites", "",
     kStatus | kGeneration | kCustom},
};

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::shared_ptr<const MergeSchema> merge_of(const Row& row) {
  const MergeSchema* known = builtin_schema(row.group, row.kind);
  // The table lives as long as the program.
  return {std::shared_ptr<void>(), known != nullptr ? known : &plain_schema()};
}

KindPtr kind_of(const Row& row) {
  auto out = std::make_shared<Kind>();
  const auto has = [&](Trait trait) { return (row.traits & trait) != 0; };
  out->group = row.group;
  out->version = row.version;
  out->kind = row.kind;
  out->list_kind = out->kind + "List";
  out->plural = row.plural;
  out->singular = lower(row.kind);
  out->short_names = words(row.short_names);
  if (has(kAll)) out->categories = {"all"};
  if (out->plural == "customresourcedefinitions") out->categories = {"api-extensions"};
  out->namespaced = !has(kCluster);
  out->custom = has(kCustom);
  out->computed = has(kComputed);
  out->has_status = has(kStatus);
  out->counts_generation = has(kGeneration);
  out->create_on_update = has(kMakes);
  if (has(kScale)) {
    auto scale = std::make_shared<ScalePaths>();
    scale->selector_of_spec = true;
    out->scale = scale;
  }
  out->collection = *row.collection != '\0' ? row.collection : out->qualified();
  out->storage_version = *row.storage != '\0' ? row.storage : out->api_version();
  out->node = node_of(*row.message != '\0' ? row.message : row.kind);
  out->merge = merge_of(row);
  out->selectable = words(row.selectable);
  out->columns = columns_of(row.kind);
  out->cells = cells_of(row.kind);
  add_conversion(*out);
  return out;
}

}  // namespace

const std::vector<KindPtr>& builtin_kinds() {
  static const std::vector<KindPtr> kKinds = [] {
    std::vector<KindPtr> out;
    for (const Row& row : kRows) out.push_back(kind_of(row));
    return out;
  }();
  return kKinds;
}

}  // namespace nacelle::kube::schema
