#include "control/core/kserve/testing/neighbours.h"

#include <utility>

#include "control/core/kserve/preset_catalogue.h"
#include "control/core/workload/deployment/deployment.h"
#include "control/core/workload/replica_set/replica_set.h"
#include "kube/time.h"

namespace nacelle::control::kserve::testing {
namespace {

Json J(std::string_view text) { return Json::parse(text); }

void run_pods(World& world) {
  for (const Json& seen : world.of("Pod")) {
    const std::string image = image_of(seen);
    const bool works = image != "broken" && image != "slow";
    if (kube::is_being_deleted(seen) || seen.contains("status")) continue;
    world.edit("Pod", kube::key_of(seen).name, [&](Json& pod) {
      pod["status"]["phase"] = works ? "Running" : "Pending";
      pod["status"]["conditions"] =
          Json::array({{{"type", "Ready"},
                        {"status", works ? "True" : "False"},
                        {"lastTransitionTime", kube::timestamp(world.now)}}});
      if (image != "broken") return;
      pod["status"]["containerStatuses"] = J(R"([{"name":"main","restartCount":3,
        "state":{"waiting":{"reason":"CrashLoopBackOff"}},
        "lastState":{"terminated":{"exitCode":1,"message":"no such model"}}}])");
    });
  }
}

void judge(World& world, const char* kind) {
  for (const Json& seen : world.of(kind)) {
    const Json generation = seen["metadata"]["generation"];
    if (seen.contains("status") &&
        seen["status"]["parents"][0]["conditions"][0]["observedGeneration"] == generation) {
      continue;
    }
    Json conditions = Json::array();
    for (const char* type : {"Accepted", "ResolvedRefs"}) {
      conditions.push_back(
          {{"type", type}, {"status", "True"}, {"observedGeneration", generation}});
    }
    world.edit(kind, kube::key_of(seen).name, [&](Json& object) {
      object["status"]["parents"] = Json::array(
          {{{"parentRef", {{"name", "kserve-ingress-gateway"}, {"namespace", "kserve"}}},
            {"conditions", conditions}}});
    });
  }
}

}  // namespace

const std::vector<Json>& gateways() {
  static const std::vector<Json> kGateways = {J(R"({"apiVersion":"gateway.networking.k8s.io/v1",
    "kind":"Gateway","metadata":{"name":"kserve-ingress-gateway","namespace":"kserve"},
    "spec":{"listeners":[{"name":"http","protocol":"HTTP","port":80}]},
    "status":{"conditions":[{"type":"Programmed","status":"True"}]}})")};
  return kGateways;
}

std::string image_of(const Json& object) {
  const Json& containers = kube::list_at(object, {"spec", "containers"});
  return containers.empty() ? "" : containers[0].value("image", "");
}

Lookup preset_lookup() {
  Lookup out;
  out.config = [](std::string_view name_space, std::string_view name) -> const Json* {
    for (const Json& preset : presets()) {
      if (kube::key_of(preset) == kube::ObjectKey{std::string(name_space), std::string(name)})
        return &preset;
    }
    return nullptr;
  };
  return out;
}

void add_neighbours(World& world, std::vector<World::Decider>& out) {
  for (const Json& deployment : world.of("Deployment")) {
    out.push_back([&world, name = kube::key_of(deployment).name] {
      const Json* object = world.find("Deployment", name);
      return object == nullptr
                 ? Decision{}
                 : workload::decide_deployment({*object, world.of("ReplicaSet"), world.now});
    });
  }
  for (const Json& set : world.of("ReplicaSet")) {
    out.push_back([&world, name = kube::key_of(set).name] {
      const Json* object = world.find("ReplicaSet", name);
      return object == nullptr
                 ? Decision{}
                 : workload::decide_replica_set({*object, world.of("Pod"), world.now, ""});
    });
  }
}

void run_workloads(World& world) {
  for (const Json& deployment : world.of("Deployment")) {
    world.edit("Deployment", kube::key_of(deployment).name,  // as an API server fills it in
               [](Json& object) { object["spec"]["progressDeadlineSeconds"] = 600; });
  }
  run_pods(world);
}

void accept_routes(World& world) {
  judge(world, "HTTPRoute");
  judge(world, "InferencePool");
}

}  // namespace nacelle::control::kserve::testing
