#include "control/kube/llmd_controller.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/quantity.h"
#include "control/core/kserve/names.h"
#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service.h"
#include "control/kube/child_kinds.h"
#include "control/kube/decision_controller.h"
#include "control/kube/serving_view.h"
#include "kube/time.h"

namespace nacelle::control {
namespace {

using kube::ObjectKey;
using kube::text_at;

const std::string kApi(llmd::kVersion);
const std::string kService(llmd::kServiceKind);
const std::string kPool(llmd::kPoolKind);
// What feature discovery says of a node's devices: MiB of one.
constexpr const char* kDeviceMemory = "nvidia.com/gpu.memory";

class LlmdDecider {
 public:
  LlmdDecider(Workshop& workshop, KserveOptions kserve, LlmdOptions options)
      : workshop_(workshop), kserve_(std::move(kserve)), options_(std::move(options)) {}

  Decision decide(const ObjectKey& key, const std::vector<Refusal>& refused) {
    SharedInformers& informers = workshop_.informers;
    auto service = informers.get({kApi, kService, key.name_space, key.name});
    if (!service) {
      scalers_.erase(key);
      return {};
    }
    ServingView view(workshop_, kserve_);
    llmd::ServiceObserved observed;
    observed.objects = view.observe(*service, refused);
    observed.now_s = workshop_.now_s();
    observed.allowed =
        llmd::allowed_replicas(*service, informers.find(kApi, kPool, kByNamespace, key.name_space));
    if (options_.load) observed.load = options_.load(key);
    const kserve::GlobalConfig global = view.global_config();
    const auto decide_now = [&](llmd::AutoscalerState& state) {
      return llmd::decide_service(*service, global, kserve_.platform, view.lookup(), observed,
                                  state);
    };
    llmd::AutoscalerState state = scalers_[key];
    const llmd::AutoscalerState before = state;
    Decision decision = decide_now(state);
    if (add_taken(informers, decision, observed.objects.children)) {
      state = before;  // one look at the load is one step
      decision = decide_now(state);
    }
    scalers_[key] = std::move(state);
    view.add_certificate(*service, global.cluster_domain, false, decision);
    if (options_.load && kube::bool_at(*service, {"spec", "autoscaling", "enabled"})) {
      decision.look_again(options_.evaluation_period);
    }
    return decision;
  }

 private:
  Workshop& workshop_;
  const KserveOptions kserve_;
  const LlmdOptions options_;
  std::map<ObjectKey, llmd::AutoscalerState> scalers_;
};

std::vector<ObjectKey> members(const Json& pool) {
  std::vector<ObjectKey> out;
  for (const Json& service : kube::list_at(pool, {"spec", "services"})) {
    out.push_back({kube::key_of(pool).name_space, std::string(text_at(service, {"name"}))});
  }
  return out;
}

llmd::PoolObserved observe_pool(Workshop& workshop, const ObjectKey& key) {
  SharedInformers& informers = workshop.informers;
  llmd::PoolObserved out;
  out.now_s = workshop.now_s();
  out.services = informers.find(kApi, kService, kByNamespace, key.name_space);
  out.pools = informers.find(kApi, kPool, kByNamespace, key.name_space);
  out.pods = informers.find("v1", "Pod", kByLabel,
                            label_value(key.name_space, kPartOfLabel, kPartOfValue));
  for (const Json& node : informers.find("v1", "Node", kByAny, "")) {
    for (const auto& [name, amount] : kube::map_at(node, {"status", "allocatable"}).items()) {
      if (!name.ends_with("/gpu") && !name.ends_with("/accelerator")) continue;
      if (const auto count = Quantity::from_json(amount); count.ok()) out.devices += count->value();
    }
    const std::string memory(text_at(node, {"metadata", "labels", kDeviceMemory}));
    if (const auto mib = Quantity::parse(memory); mib.ok() && mib->value() > 0) {
      const std::int64_t bytes = mib->value() << 20;
      // The smallest device is the one that everything must fit.
      out.device_bytes = out.device_bytes == 0 ? bytes : std::min(out.device_bytes, bytes);
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> llmd_controller(Workshop& workshop, const KserveOptions& kserve,
                                                const LlmdOptions& options) {
  SharedInformers& informers = workshop.informers;
  auto decider = std::make_shared<LlmdDecider>(workshop, kserve, options);
  auto unit = std::make_unique<DecisionController>(
      workshop, "llmd", [decider](const ObjectKey& key, const std::vector<Refusal>& refused) {
        return decider->decide(key, refused);
      });
  unit->watch(kApi, kService, DecisionController::own_key);
  unit->watch(kApi, kPool, members);
  const auto all = [&informers](const Json&) { return keys_of(informers, kApi, kService); };
  unit->watch(kserve::kVersion, kserve::kConfigKind, all, {.when = other_spec, .delay = {}});
  unit->watch(kGatewayApi, "Gateway", all, {.when = other_gateway, .delay = {}});
  watch_children(*unit, kService);
  unit->watch("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", no_keys);
  unit->watch("v1", "ConfigMap", no_keys);
  unit->watch(kGatewayApi, "HTTPRoute",
              [](const Json& route) { return DecisionController::owner_key(route, kService); });
  unit->watch("v1", "Pod", service_of_pod);
  return unit;
}

std::unique_ptr<ControllerUnit> llmd_pool_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  auto unit = std::make_unique<DecisionController>(
      workshop, "llmd-pools",
      [&workshop, &informers](const ObjectKey& key, const std::vector<Refusal>&) {
        const auto pool = informers.get({kApi, kPool, key.name_space, key.name});
        return pool ? llmd::decide_pool(*pool, observe_pool(workshop, key)) : Decision{};
      });
  const auto of_namespace = [&informers](const Json& object) {
    std::vector<ObjectKey> out;
    for (const auto& pool :
         informers.of(kApi, kPool).find(kByNamespace, kube::key_of(object).name_space)) {
      out.push_back(kube::key_of(*pool));
    }
    return out;
  };
  unit->watch(kApi, kPool, of_namespace);
  unit->watch(kApi, kService, of_namespace);
  unit->watch("v1", "Node", [&informers](const Json&) { return keys_of(informers, kApi, kPool); });
  unit->watch("v1", "Pod", [of_namespace](const Json& pod) {
    return service_of_pod(pod).empty() ? std::vector<ObjectKey>{} : of_namespace(pod);
  });
  return unit;
}

}  // namespace nacelle::control
