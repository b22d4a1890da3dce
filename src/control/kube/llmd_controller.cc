#include "control/kube/llmd_controller.h"

#include <algorithm>
#include <map>
#include <utility>

#include "control/core/kserve/names.h"
#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service.h"
#include "control/core/llmd/service_form.h"
#include "control/kube/child_kinds.h"
#include "control/kube/model_unit.h"
#include "control/kube/serving_view.h"

namespace nacelle::control {
namespace {

using kube::ObjectKey;
using kube::text_at;

const std::string kApi(llmd::kVersion);
const std::string kService(llmd::kServiceKind);
const std::string kPool(llmd::kPoolKind);

// A service without load, at the fewest replicas that it may have, needs no thought every second.
constexpr std::int64_t kRestSeconds = 60;   // certificates and the like are looked at nevertheless
constexpr std::int64_t kFreshSeconds = 30;  // metrics of that age say what is

bool no_load(const std::optional<llmd::LoadSample>& load) {
  return load && load->held == 0 && load->running == 0 && load->queued.value_or(0) == 0 &&
         load->decode_rate.value_or(0) == 0 && load->unschedulable_for == 0 &&
         load->silent_for < kFreshSeconds;
}

class LlmdDecider {
 public:
  LlmdDecider(Workshop& workshop, KserveOptions kserve, LlmdOptions options)
      : workshop_(workshop), kserve_(std::move(kserve)), options_(std::move(options)) {}

  Decision decide(ModelUnit& unit, const ObjectKey& key, const std::vector<Refusal>& refused) {
    if (refused.empty() && rests(key)) {
      Decision nothing;
      nothing.look_again(options_.evaluation_period);
      return nothing;
    }
    SharedInformers& informers = workshop_.informers;
    const Target target{kApi, kService, key.name_space, key.name};
    auto service = informers.get(target);
    ServingView view(workshop_, kserve_);
    const auto again = [&unit, key] { unit.look_at(key); };
    if (!service) {
      scalers_.erase(key);
      at_rest_.erase(key);
      view.ask(target, {}, again);
      return {};
    }
    llmd::ServiceObserved observed;
    observed.devices = devices_of_nodes(informers);
    const bool needs_model = llmd::needs_model(*service, observed.devices);
    if (needs_model) {
      auto model = unit.model_of(*service, key);
      if (!model) return ModelUnit::wait_for_model();
      observed.model = *std::move(model);
    }
    observed.objects = view.observe(*service, refused);
    observed.now_s = workshop_.now_s();
    const std::vector<Json> pools = informers.find(kApi, kPool, kByNamespace, key.name_space);
    observed.allowed = llmd::allowed_replicas(*service, pools);
    observed.pool_refusal = llmd::refusal_of(*service, pools);
    if (options_.load) observed.load = options_.load(key);
    if (observed.load && observed.load->max_running == 0) {
      observed.load->max_running = options_.max_running;
    }
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
    view.ask(target, decision, again);
    Review ignored;
    const llmd::AutoscalingSpec spec =
        llmd::parse_autoscaling(kube::map_at(*service, {"spec"}), ignored);
    const bool has_time = decision.look_again_in.has_value();  // a canary's step ends by it
    const bool watched = options_.load && spec.enabled;
    if (watched) decision.look_again(options_.evaluation_period);
    at_rest_.erase(key);
    if (watched && !has_time && !needs_model && refused.empty() && decision.actions.empty() &&
        decision.asks.empty() && no_load(observed.load) &&
        kube::number_at(*service, {"status", "demand"}) == spec.min_replicas) {
      at_rest_[key] = {informers.changes(), observed.now_s + kRestSeconds};
    }
    if (needs_model) ModelUnit::look_at_models_again(*service, decision);
    return decision;
  }

 private:
  struct Rest {
    std::uint64_t changes;  // of objects, seen so far
    std::int64_t until_s;
  };

  // Nothing was to be done, no object has changed since, and there is no load: what was decided
  // then would be decided again, and deciding costs 2 ms.
  [[nodiscard]] bool rests(const ObjectKey& key) const {
    const auto found = at_rest_.find(key);
    return found != at_rest_.end() && found->second.changes == workshop_.informers.changes() &&
           workshop_.now_s() < found->second.until_s && no_load(options_.load(key));
  }

  Workshop& workshop_;
  const KserveOptions kserve_;
  const LlmdOptions options_;
  std::map<ObjectKey, llmd::AutoscalerState> scalers_;
  std::map<ObjectKey, Rest> at_rest_;
};

std::vector<ObjectKey> members(const Json& pool) {
  std::vector<ObjectKey> out;
  for (const Json& service : kube::list_at(pool, {"spec", "services"})) {
    out.push_back({kube::key_of(pool).name_space, std::string(text_at(service, {"name"}))});
  }
  return out;
}

// Services whose models lie in a claim.
std::vector<ObjectKey> readers(SharedInformers& informers, const Json& claim) {
  const ObjectKey key = kube::key_of(claim);
  const std::string uri = "pvc://" + key.name;
  std::vector<ObjectKey> out;
  for (const auto& service : informers.of(kApi, kService).find(kByNamespace, key.name_space)) {
    const std::string source = llmd::model_uri(*service);
    if (source == uri || source.starts_with(uri + "/")) out.push_back(kube::key_of(*service));
  }
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> llmd_controller(Workshop& workshop, const KserveOptions& kserve,
                                                const LlmdOptions& options,
                                                std::shared_ptr<LocalModels> models) {
  SharedInformers& informers = workshop.informers;
  auto decider = std::make_shared<LlmdDecider>(workshop, kserve, options);
  auto unit = std::make_unique<ModelUnit>(
      workshop, "llmd", std::move(models),
      [decider](ModelUnit& self, const ObjectKey& key, const std::vector<Refusal>& refused) {
        return decider->decide(self, key, refused);
      });
  DecisionController& controller = unit->controller();
  controller.watch(kApi, kService, DecisionController::own_key,
                   {.when = other_than_status, .delay = {}});
  controller.watch(kApi, kService, DecisionController::own_key, gathered());
  controller.watch(kApi, kPool, members);
  const auto all = [&informers](const Json&) { return keys_of(informers, kApi, kService); };
  controller.watch(kserve::kVersion, kserve::kConfigKind, all, {.when = other_spec, .delay = {}});
  controller.watch(kGatewayApi, "Gateway", all, {.when = other_gateway, .delay = {}});
  controller.watch("v1", "Node", all, {.when = other_devices, .delay = {}});
  controller.watch("v1", "PersistentVolumeClaim",
                   [&informers](const Json& claim) { return readers(informers, claim); });
  watch_children(controller, kService);
  controller.watch("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", no_keys);
  controller.watch("v1", "ConfigMap", no_keys);
  controller.watch(kGatewayApi, "HTTPRoute", [](const Json& route) {
    return DecisionController::owner_key(route, kService);
  });
  controller.watch("v1", "Pod", service_of_pod, gathered());
  return unit;
}

}  // namespace nacelle::control
