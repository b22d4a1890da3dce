#include "control/core/llmd/testing/fleet.h"

#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/testing/neighbours.h"
#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service.h"
#include "kube/time.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd::testing {
namespace {

using kube::text_at;
using workload::testing::World;

const std::string kService(kServiceKind);
const std::string kPool(kPoolKind);
constexpr const char* kNameLabel = "app.kubernetes.io/name";

std::vector<NodeDevices> devices() {
  return {{.resource = "nvidia.com/gpu", .count = 8, .bytes = std::int64_t{80} << 30}};
}

std::vector<Json> gateways() {
  std::vector<Json> out = kserve::testing::gateways();
  out[0]["status"]["addresses"] = Json::array({{{"value", "203.0.113.7"}}});
  return out;
}

Decision decide_one(const World& world, const Json& service, AutoscalerState& state) {
  ServiceObserved observed;
  observed.now_s = world.now;
  observed.devices = devices();
  kserve::Observed& objects = observed.objects;
  objects.now = kube::timestamp(world.now);
  objects.gateways = gateways();
  const std::string name = kube::key_of(service).name;
  for (const Json& object : world.objects()) {
    if (controller_of(object) == text_at(service, {"metadata", "uid"})) {
      objects.children.push_back(object);
    }
    if (text_at(object, {"kind"}) == "Pod" &&
        text_at(object, {"metadata", "labels", kNameLabel}) == name) {
      objects.pods.push_back(object);
    }
  }
  const std::vector<Json> pools = world.of(kPool);
  observed.allowed = allowed_replicas(service, pools);
  observed.pool_refusal = refusal_of(service, pools);
  kserve::Platform platform;
  platform.picker_in_gateway = true;
  return decide_service(service, {}, platform, kserve::testing::preset_lookup(), observed, state);
}

Decision decide_one_pool(const World& world, const Json& pool) {
  return decide_pool(pool, {.services = world.of(kService),
                            .pools = world.of(kPool),
                            .pods = world.of("Pod"),
                            .devices = devices(),
                            .now_s = world.now});
}

std::vector<World::Decider> deciders(World& world,
                                     std::map<std::string, AutoscalerState>& scalers) {
  std::vector<World::Decider> out;
  for (const Json& service : world.of(kService)) {
    out.push_back([&world, &scalers, name = kube::key_of(service).name] {
      const Json* stored = world.find(kService, name);
      return stored == nullptr ? Decision{} : decide_one(world, *stored, scalers[name]);
    });
  }
  for (const Json& pool : world.of(kPool)) {
    out.push_back([&world, name = kube::key_of(pool).name] {
      const Json* stored = world.find(kPool, name);
      return stored == nullptr ? Decision{} : decide_one_pool(world, *stored);
    });
  }
  kserve::testing::add_neighbours(world, out);
  return out;
}

void run_others(World& world) {
  world.finish_deletions();
  kserve::testing::run_workloads(world);
  kserve::testing::accept_routes(world);
}

}  // namespace

Fleet::Fleet(std::vector<Json> objects)
    : world([this](World& w) { return deciders(w, scalers_); }, run_others) {
  for (Json& object : objects) world.add(std::move(object));
}

void Fleet::change(const char* kind, const char* name, const char* patch) {
  world.edit(kind, name, [&](Json& object) { object.merge_patch(*kube::json_of_yaml(patch)); });
}

std::map<std::string, std::int64_t> Fleet::pods() const {
  std::map<std::string, std::int64_t> out;
  for (const Json& pod : world.of("Pod")) {
    ++out[std::string(text_at(pod, {"metadata", "labels", kNameLabel}))];
  }
  return out;
}

}  // namespace nacelle::control::llmd::testing
