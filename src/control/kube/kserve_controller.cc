#include "control/kube/kserve_controller.h"

#include <algorithm>
#include <utility>

#include "control/core/kserve/config_status.h"
#include "control/core/kserve/decide.h"
#include "control/kube/child_kinds.h"
#include "control/kube/decision_controller.h"
#include "control/kube/serving_view.h"
#include "kube/time.h"

namespace nacelle::control {
namespace {

using kube::ObjectKey;
using kube::text_at;

const std::string kService(kserve::kServiceKind);
const std::string kConfig(kserve::kConfigKind);
const std::string kApi(kserve::kVersion);

constexpr const char* kByConfig = "config";
constexpr Duration kConfigDelay = std::chrono::milliseconds(200);

// Which services a change of something that is not theirs may concern.
class Concerned {
 public:
  explicit Concerned(SharedInformers& informers) : informers_(informers) {}

  std::vector<ObjectKey> all() const { return keys_of(informers_, kApi, kService); }
  std::vector<ObjectKey> in_namespace(const std::string& name_space) const {
    return keys(kByNamespace, name_space);
  }
  std::vector<ObjectKey> group_of(const Json& object) const {
    const std::string_view group =
        text_at(object, {"metadata", "labels", kserve::kRoutingGroupLabel});
    if (group.empty()) return {};
    return keys(kByLabel,
                label_value(kube::key_of(object).name_space, kserve::kRoutingGroupLabel, group));
  }
  // Of a route: its service, those of its group, and those that name it.
  std::vector<ObjectKey> of_route(const Json& route) const {
    std::vector<ObjectKey> out = DecisionController::owner_key(route, kService);
    for (ObjectKey& key : group_of(route)) out.push_back(std::move(key));
    const ObjectKey route_key = kube::key_of(route);
    for (const auto& service :
         informers_.of(kApi, kService).find(kByNamespace, route_key.name_space)) {
      for (const Json& ref : kube::list_at(*service, {"spec", "router", "route", "http", "refs"})) {
        if (text_at(ref, {"name"}) == route_key.name) out.push_back(kube::key_of(*service));
      }
    }
    return out;
  }
  std::vector<ObjectKey> of_gateway(const Json& gateway) const {
    const ObjectKey key = kube::key_of(gateway);
    std::vector<ObjectKey> out;
    for (const auto& [service_key, service] : informers_.of(kApi, kService).objects()) {
      if (may_concern(key, *service)) out.push_back(service_key);
    }
    return out;
  }
  // Of a config or ConfigMap: every service of its namespace, or all when it is the system's.
  std::vector<ObjectKey> of_config(const Json& config, const std::string& system) const {
    const std::string name_space = kube::key_of(config).name_space;
    return name_space == system ? all() : in_namespace(name_space);
  }

 private:
  std::vector<ObjectKey> keys(const char* index, const std::string& value) const {
    std::vector<ObjectKey> out;
    for (const auto& service : informers_.of(kApi, kService).find(index, value)) {
      out.push_back(kube::key_of(*service));
    }
    return out;
  }

  SharedInformers& informers_;
};

// Of all ConfigMaps those that a scheduler's config or the whole installation may come from.
bool is_read(const Json& map, const std::string& system) {
  const ObjectKey key = kube::key_of(map);
  if (key.name_space == system) {
    return key.name == kGlobalConfigName || key.name.starts_with("config-scheduler-");
  }
  return key.name != "kube-root-ca.crt";
}

Decision decide_service(Workshop& workshop, const KserveOptions& options, const ObjectKey& key,
                        const std::vector<Refusal>& refused, const std::function<void()>& again) {
  const Target target{kApi, kService, key.name_space, key.name};
  auto service = workshop.informers.get(target);
  ServingView view(workshop, options);
  if (!service) {
    view.ask(target, {}, again);
    return {};
  }
  const kserve::GlobalConfig global = view.global_config();
  kserve::Observed observed = view.observe(*service, refused);
  const auto decide_now = [&] {
    return kserve::decide(*service, global, options.platform, view.lookup(), observed);
  };
  Decision decision = decide_now();
  if (add_taken(workshop.informers, decision, observed.children)) decision = decide_now();
  view.add_certificate(*service, global.cluster_domain, kserve::is_stopped(*service), decision);
  view.ask(target, decision, again);
  return decision;
}

}  // namespace

std::unique_ptr<ControllerUnit> kserve_controller(Workshop& workshop,
                                                  const KserveOptions& options) {
  SharedInformers& informers = workshop.informers;
  const std::string system = options.system_namespace;
  const Concerned concerned(informers);
  const auto self = std::make_shared<DecisionController*>(nullptr);
  auto unit = std::make_unique<DecisionController>(
      workshop, "kserve",
      [&workshop, options, self](const ObjectKey& key, const std::vector<Refusal>& refused) {
        return decide_service(workshop, options, key, refused,
                              [unit = *self, key] { unit->add(key); });
      });
  *self = unit.get();
  const auto with_group = [concerned](const Json& service) {
    std::vector<ObjectKey> keys = concerned.group_of(service);
    keys.push_back(kube::key_of(service));
    return keys;
  };
  unit->watch(kApi, kService, with_group, {.when = other_than_status, .delay = {}});
  unit->watch(kApi, kService, with_group, gathered());
  unit->watch(
      kApi, kConfig,
      [concerned, system](const Json& config) { return concerned.of_config(config, system); },
      {.when = other_spec, .delay = {}});
  unit->watch("v1", "ConfigMap", [concerned, system](const Json& map) {
    return is_read(map, system) ? concerned.of_config(map, system) : std::vector<ObjectKey>{};
  });
  watch_children(*unit, kService);
  unit->watch("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", no_keys);
  unit->watch(kGatewayApi, "HTTPRoute",
              [concerned](const Json& route) { return concerned.of_route(route); });
  unit->watch(kGatewayApi, "Gateway",
              [concerned](const Json& gateway) { return concerned.of_gateway(gateway); },
              {.when = other_gateway, .delay = {}});
  unit->watch("v1", "Pod", service_of_pod, gathered());
  return unit;
}

std::unique_ptr<ControllerUnit> kserve_config_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  auto unit = std::make_unique<DecisionController>(
      workshop, "kserve-configs",
      [&workshop, &informers](const ObjectKey& key, const std::vector<Refusal>&) {
        const auto config = informers.get({kApi, kConfig, key.name_space, key.name});
        if (!config) return Decision{};
        std::vector<ObjectKey> users;
        for (const auto& service : informers.of(kApi, kService).find(kByConfig, key.to_string())) {
          users.push_back(kube::key_of(*service));
        }
        return kserve::decide_config(*config, std::move(users), kube::timestamp(workshop.now_s()));
      });
  informers.of(kApi, kService).add_index(kByConfig, [](const Json& service) {
    std::vector<std::string> out;
    for (const ObjectKey& config : kserve::configs_of(service)) out.push_back(config.to_string());
    return out;
  });
  unit->watch(kApi, kConfig, DecisionController::own_key);
  // A preset of a thousand services is written to now and then, not for each of them.
  Notice notice;
  notice.when = [](const Json& before, const Json& now) {
    return kserve::configs_of(before) != kserve::configs_of(now);
  };
  notice.delay = kConfigDelay;
  unit->watch(kApi, kService, kserve::configs_of, std::move(notice));
  return unit;
}

}  // namespace nacelle::control
