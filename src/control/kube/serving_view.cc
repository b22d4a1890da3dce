#include "control/kube/serving_view.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/kube/child_kinds.h"
#include "control/kube/serving_certificate.h"
#include "kube/conditions.h"
#include "kube/time.h"

namespace nacelle::control {

using kube::ObjectKey;
using kube::text_at;

namespace {

std::string asker_of(const Target& service) {
  return service.api_version + "/" + service.kind + "/" + service.name_space + "/" + service.name;
}

}  // namespace

kserve::GlobalConfig ServingView::global_config() {
  kserve::GlobalConfig out;
  const std::string& system = options_.system_namespace;
  if (auto map = informers_.get({"v1", "ConfigMap", system, kGlobalConfigName})) {
    out = kserve::parse_global_config(*map);
  }
  out.system_namespace = system;
  return out;
}

kserve::Lookup ServingView::lookup() {
  const auto reader = [this](std::string_view api_version, std::string_view kind) {
    return [this, informer = &informers_.of(api_version, kind)](
               std::string_view name_space, std::string_view name) -> const Json* {
      auto object = informer->get({std::string(name_space), std::string(name)});
      if (object == nullptr) return nullptr;
      read_.push_back(std::move(object));
      return read_.back().get();
    };
  };
  return {reader(kserve::kVersion, kserve::kConfigKind), reader("v1", "ConfigMap")};
}

kserve::Observed ServingView::observe(const Json& service, const std::vector<Refusal>& refused) {
  kserve::Observed out;
  const ObjectKey key = kube::key_of(service);
  out.now = kube::timestamp(workshop_.now_s());
  for (const Refusal& refusal : refused) {
    out.refused.push_back(refusal.target.kind + " " + refusal.target.name + ": " + refusal.message);
  }
  out.children = children_of(informers_, service);
  const std::string binding = kserve::child_name(key.name_space, "-" + key.name + "-epp-auth-rb");
  if (auto object =
          informers_.get({"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", binding})) {
    out.children.push_back(*std::move(object));
  }
  const std::string pool(text_at(service, {"spec", "router", "scheduler", "pool", "ref", "name"}));
  for (const char* api :
       {"inference.networking.k8s.io/v1", "inference.networking.x-k8s.io/v1alpha2"}) {
    if (pool.empty()) break;
    auto object = informers_.get({api, "InferencePool", key.name_space, pool});
    if (object) out.children.push_back(*std::move(object));
  }
  out.gateways = informers_.find(kGatewayApi, "Gateway", kByAny, "");
  for (const Json& ref : kube::list_at(service, {"spec", "router", "route", "http", "refs"})) {
    const std::string name(text_at(ref, {"name"}));
    auto route = informers_.get({kGatewayApi, "HTTPRoute", key.name_space, name});
    if (route) out.routes.push_back(*std::move(route));
  }
  for (Json& pod :
       informers_.find("v1", "Pod", kByLabel, label_value(key.name_space, kNameLabel, key.name))) {
    if (!service_of_pod(pod).empty()) out.pods.push_back(std::move(pod));
  }
  observe_group(service, out);
  observe_traffic(service, out);
  out.answers = answers(target_of(service));
  return out;
}

std::optional<std::map<std::string, AddressAnswer>> ServingView::answers(
    const Target& service) const {
  if (workshop_.prober == nullptr) return std::nullopt;
  return workshop_.prober->answers(asker_of(service));
}

void ServingView::ask(const Target& service, const Decision& decision,
                      const std::function<void()>& again) {
  if (workshop_.prober == nullptr) return;
  workshop_.prober->wait_for(asker_of(service), decision.asks, again);
}

void ServingView::add_certificate(const Json& service, const std::string& cluster_domain,
                                  bool stopped, Decision& decision) {
  if (kube::is_being_deleted(service)) return;
  const ObjectKey key = kube::key_of(service);
  const auto secret = informers_.get({"v1", "Secret", key.name_space, certificate_name(key.name)});
  auto action = certificate_action(service, stopped, secret, cluster_domain, workshop_.now_s());
  if (action) decision.actions.insert(decision.actions.begin(), *std::move(action));
}

// Members of the same traffic group, and their routes, which may still send here.
void ServingView::observe_group(const Json& service, kserve::Observed& out) {
  const std::string_view group =
      text_at(service, {"metadata", "labels", kserve::kRoutingGroupLabel});
  if (group.empty()) return;
  const std::string value =
      label_value(kube::key_of(service).name_space, kserve::kRoutingGroupLabel, group);
  out.peers = informers_.find(text_at(service, {"apiVersion"}), text_at(service, {"kind"}),
                              kByLabel, value);
  for (Json& route : informers_.find(kGatewayApi, "HTTPRoute", kByLabel, value)) {
    const Target target = target_of(route);
    const bool known = std::any_of(out.children.begin(), out.children.end(),
                                   [&](const Json& child) { return target_of(child) == target; });
    if (!known) out.children.push_back(std::move(route));
  }
}

// Of its own pools: those of itself and of a canary.
void ServingView::observe_traffic(const Json& service, kserve::Observed& out) const {
  if (!options_.traffic) return;
  out.traffic.emplace();
  for (const Json& child : out.children) {
    if (text_at(child, {"kind"}) != "InferencePool" ||
        controller_of(child) != text_at(service, {"metadata", "uid"})) {
      continue;
    }
    const ObjectKey pool = kube::key_of(child);
    if (const auto seen = options_.traffic(pool)) (*out.traffic)[pool.name] = *seen;
  }
}

std::vector<ObjectKey> keys_of(SharedInformers& informers, std::string_view api_version,
                               std::string_view kind) {
  std::vector<ObjectKey> out;
  for (const auto& [key, object] : informers.of(api_version, kind).objects()) out.push_back(key);
  return out;
}

bool other_spec(const Json& before, const Json& now) {
  return kube::map_at(before, {"spec"}) != kube::map_at(now, {"spec"});
}

bool other_than_status(const Json& before, const Json& now) {
  const Json& was = kube::map_at(before, {"metadata"});
  const Json& is = kube::map_at(now, {"metadata"});
  const auto differs = [&](const char* name) {
    return was.value(name, Json()) != is.value(name, Json());
  };
  return other_spec(before, now) || differs("labels") || differs("annotations") ||
         differs("finalizers") || differs("ownerReferences") || differs("deletionTimestamp");
}

bool other_gateway(const Json& before, const Json& now) {
  return other_spec(before, now) ||
         kube::map_at(before, {"metadata", "annotations"}) !=
             kube::map_at(now, {"metadata", "annotations"}) ||
         kube::list_at(before, {"status", "addresses"}) !=
             kube::list_at(now, {"status", "addresses"}) ||
         kube::list_at(before, {"status", "conditions"}) !=
             kube::list_at(now, {"status", "conditions"});
}

bool may_concern(const ObjectKey& gateway, const Json& service) {
  const kube::Conditions told(kube::list_at(service, {"status", "conditions"}), "");
  if (told.status("RouterReady") != "True") return true;
  const auto names = [&](const Json& ref) {
    const std::string_view space = text_at(ref, {"namespace"});
    return text_at(ref, {"name"}) == gateway.name &&
           (space.empty() ? kube::key_of(service).name_space : space) == gateway.name_space;
  };
  const Json& asked = kube::list_at(service, {"spec", "router", "gateway", "refs"});
  const Json& reached = kube::list_at(service, {"status", "router", "gateways"});
  return std::any_of(asked.begin(), asked.end(), names) ||
         std::any_of(reached.begin(), reached.end(), names);
}

std::vector<ObjectKey> service_of_pod(const Json& pod) {
  if (text_at(pod, {"metadata", "labels", kPartOfLabel}) != kPartOfValue) return {};
  return {{kube::key_of(pod).name_space,
           std::string(text_at(pod, {"metadata", "labels", kNameLabel}))}};
}

}  // namespace nacelle::control
