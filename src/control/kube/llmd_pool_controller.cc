#include <utility>

#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service.h"
#include "control/kube/child_kinds.h"
#include "control/kube/llmd_controller.h"
#include "control/kube/model_unit.h"
#include "control/kube/serving_view.h"

namespace nacelle::control {
namespace {

using kube::ObjectKey;
using kube::text_at;

const std::string kApi(llmd::kVersion);
const std::string kService(llmd::kServiceKind);
const std::string kPool(llmd::kPoolKind);

bool names(const Json& pool, const std::string& service) {
  for (const Json& one : kube::list_at(pool, {"spec", "services"})) {
    if (text_at(one, {"name"}) == service) return true;
  }
  return false;
}

constexpr std::pair<const char*, const char*> kChildKinds[] = {
    {kGatewayApi, "HTTPRoute"},
    {"v1", "Service"},
    {"discovery.k8s.io/v1", "EndpointSlice"},
    {"gateway.nacelle.dev/v1alpha1", "GatewayPolicy"},
};

llmd::PoolFront front_of(Workshop& workshop, const KserveOptions& kserve, const Json& pool,
                         ServingView& view, const std::vector<Refusal>& refused) {
  SharedInformers& informers = workshop.informers;
  llmd::PoolFront out;
  out.global = view.global_config();
  out.own_gateway = kserve.platform.picker_in_gateway;
  auto gateway = informers.get(
      {kGatewayApi, "Gateway", out.global.gateway_namespace, out.global.gateway_name});
  if (gateway) out.gateway = *std::move(gateway);
  const std::string uid(text_at(pool, {"metadata", "uid"}));
  for (const auto& [api, kind] : kChildKinds) {
    for (Json& child : informers.find(api, kind, kByController, uid))
      out.children.push_back(std::move(child));
  }
  for (const Refusal& refusal : refused) {
    out.refused.push_back(refusal.target.kind + " " + refusal.target.name + ": " + refusal.message);
  }
  out.answers = view.answers(target_of(pool));
  return out;
}

Decision decide(Workshop& workshop, const KserveOptions& kserve, const LlmdOptions& options,
                ModelUnit& unit, const ObjectKey& key, const std::vector<Refusal>& refused) {
  SharedInformers& informers = workshop.informers;
  const Target target{kApi, kPool, key.name_space, key.name};
  const auto pool = informers.get(target);
  ServingView view(workshop, kserve);
  const auto again = [&unit, key] { unit.look_at(key); };
  if (!pool) {
    view.ask(target, {}, again);
    if (options.pool_metrics != nullptr) options.pool_metrics->forget(key);
    return {};
  }
  llmd::PoolObserved observed;
  observed.now_s = workshop.now_s();
  observed.services = informers.find(kApi, kService, kByNamespace, key.name_space);
  observed.pools = informers.find(kApi, kPool, kByNamespace, key.name_space);
  observed.pods = informers.find("v1", "Pod", kByLabel,
                                 label_value(key.name_space, kPartOfLabel, kPartOfValue));
  observed.devices = devices_of_nodes(informers);
  for (const Json& service : observed.services) {
    const std::string name = kube::key_of(service).name;
    if (!names(*pool, name)) continue;
    if (const auto load = options.load ? options.load(kube::key_of(service)) : std::nullopt) {
      observed.in_flight[name] = load->running;
    }
    if (!llmd::needs_model(service, observed.devices)) continue;
    auto model = unit.model_of(service, key);
    if (!model) return ModelUnit::wait_for_model();
    observed.models.emplace(name, *std::move(model));
  }
  if (options.pool_metrics != nullptr) {
    options.pool_metrics->set(key, llmd::figures_of(*pool, observed.services));
  }
  observed.front = front_of(workshop, kserve, *pool, view, refused);
  Decision out = llmd::decide_pool(*pool, observed);
  if (add_taken(informers, out, observed.front->children)) out = llmd::decide_pool(*pool, observed);
  view.ask(target, out, again);
  if (!observed.models.empty()) ModelUnit::look_at_models_again(*pool, out);
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> llmd_pool_controller(Workshop& workshop,
                                                     const KserveOptions& kserve,
                                                     const LlmdOptions& options,
                                                     std::shared_ptr<LocalModels> models) {
  SharedInformers& informers = workshop.informers;
  auto unit = std::make_unique<ModelUnit>(
      workshop, "llmd-pools", std::move(models),
      [&workshop, kserve, options](ModelUnit& self, const ObjectKey& key,
                                   const std::vector<Refusal>& refused) {
        return decide(workshop, kserve, options, self, key, refused);
      });
  const auto of_namespace = [&informers](const Json& object) {
    std::vector<ObjectKey> out;
    for (const auto& pool :
         informers.of(kApi, kPool).find(kByNamespace, kube::key_of(object).name_space)) {
      out.push_back(kube::key_of(*pool));
    }
    return out;
  };
  DecisionController& controller = unit->controller();
  controller.watch(kApi, kPool, of_namespace);
  controller.watch(kApi, kService, of_namespace);
  controller.watch("v1", "Node",
                   [&informers](const Json&) { return keys_of(informers, kApi, kPool); },
                   {.when = other_devices, .delay = {}});
  controller.watch("v1", "PersistentVolumeClaim", of_namespace);
  for (const auto& [api, kind] : kChildKinds) {
    controller.watch(
        api, kind, [](const Json& child) { return DecisionController::owner_key(child, kPool); },
        gathered());
  }
  controller.watch(kGatewayApi, "Gateway",
                   [&informers](const Json&) { return keys_of(informers, kApi, kPool); },
                   {.when = other_gateway, .delay = {}});
  controller.watch("v1", "ConfigMap", no_keys);
  controller.watch("v1", "Pod", [of_namespace](const Json& pod) {
    return service_of_pod(pod).empty() ? std::vector<ObjectKey>{} : of_namespace(pod);
  });
  return unit;
}

}  // namespace nacelle::control
