#include "kube/server/inert_kinds.h"

namespace nacelle::kube::server {
namespace {

struct Row {
  std::string_view group, kind, warning;
};

constexpr std::string_view kRules =
    "kept and shown; every client with a valid token may do everything here";
constexpr std::string_view kWebhooks = "kept and shown; this server calls no webhooks";

constexpr Row kRows[] = {
    {"", "LimitRange", "kept and shown; nothing here applies limits of a namespace"},
    {"", "ResourceQuota", "kept and shown; nothing here enforces quotas"},
    {"apps", "DaemonSet", "kept and shown; nothing here runs DaemonSets: no pods will come"},
    {"batch", "CronJob", "kept and shown; nothing here runs CronJobs: no Jobs will come"},
    {"networking.k8s.io", "Ingress",
     "kept and shown; nothing here serves Ingresses: use HTTPRoute"},
    {"networking.k8s.io", "NetworkPolicy", "kept and shown; pods share the host's network here"},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding", kRules},
    {"rbac.authorization.k8s.io", "RoleBinding", kRules},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", kWebhooks},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", kWebhooks},
};

}  // namespace

std::string_view inert_warning(const schema::Kind& kind) {
  for (const Row& row : kRows) {
    if (row.kind == kind.kind && row.group == kind.group) return row.warning;
  }
  return {};
}

}  // namespace nacelle::kube::server
