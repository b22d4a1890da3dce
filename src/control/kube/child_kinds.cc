#include "control/kube/child_kinds.h"

#include <algorithm>

namespace nacelle::control {
namespace {

struct ChildKind {
  const char* api_version;
  const char* kind;
};

constexpr ChildKind kChildKinds[] = {
    {"apps/v1", "Deployment"},
    {"v1", "Service"},
    {"v1", "ServiceAccount"},
    {"rbac.authorization.k8s.io/v1", "Role"},
    {"rbac.authorization.k8s.io/v1", "RoleBinding"},
    {"inference.networking.k8s.io/v1", "InferencePool"},
    {"inference.networking.x-k8s.io/v1alpha2", "InferencePool"},
    {kGatewayApi, "HTTPRoute"},
    {"autoscaling/v2", "HorizontalPodAutoscaler"},
    {"keda.sh/v1alpha1", "ScaledObject"},
    {"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"},
    {"resource.k8s.io/v1", "ResourceClaimTemplate"},
};

}  // namespace

void watch_children(DecisionController& unit, std::string_view owner_kind) {
  for (const ChildKind& child : kChildKinds) {
    if (std::string_view(child.kind) == "HTTPRoute") continue;
    unit.watch(
        child.api_version, child.kind,
        [kind = std::string(owner_kind)](const Json& object) {
          return DecisionController::owner_key(object, kind);
        },
        gathered());
  }
  // Not among the children: a secret's key is nothing a pure decision could compare.
  unit.watch("v1", "Secret", [kind = std::string(owner_kind)](const Json& secret) {
    return DecisionController::owner_key(secret, kind);
  });
}

std::vector<Json> children_of(SharedInformers& informers, const Json& owner) {
  std::vector<Json> out;
  const std::string uid(kube::text_at(owner, {"metadata", "uid"}));
  for (const ChildKind& child : kChildKinds) {
    for (Json& object : informers.find(child.api_version, child.kind, kByController, uid)) {
      out.push_back(std::move(object));
    }
  }
  return out;
}

bool add_taken(SharedInformers& informers, const Decision& decision, std::vector<Json>& children) {
  const std::size_t before = children.size();
  for (const Action& action : decision.actions) {
    const auto* apply = std::get_if<Apply>(&action);
    if (apply == nullptr) continue;
    const Target target = target_of(apply->object);
    const bool known = std::any_of(children.begin(), children.end(),
                                   [&](const Json& child) { return target_of(child) == target; });
    if (known) continue;
    if (auto object = informers.get(target)) children.push_back(*std::move(object));
  }
  return children.size() > before;
}

}  // namespace nacelle::control
