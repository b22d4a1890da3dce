#include "control/core/kserve/testing/neighbours.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "control/core/children.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/workload/deployment/deployment.h"
#include "control/core/workload/replica_set/replica_set.h"
#include "kube/pod.h"
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

Json set_condition(const char* type, bool holds, const Json& before, std::int64_t now) {
  const char* status = holds ? "True" : "False";
  Json out = {{"type", type}, {"status", status}, {"lastTransitionTime", kube::timestamp(now)}};
  for (const Json& each : kube::list_at(before, {"conditions"})) {
    if (each["type"] == type && each["status"] == status) return each;
  }
  return out;
}

// One group is made, or goes, at a time; an old one goes where all others answer.
void run_set(World& world, const Json& set) {
  const std::string uid = set["metadata"]["uid"];
  const Json& groups = set["spec"]["leaderWorkerTemplate"];
  const std::string digest = digest_of(groups);
  const std::int64_t wanted = set["spec"].value("replicas", 1);
  std::vector<Json> pods;
  for (Json& pod : world.of("Pod")) {
    if (controller_of(pod) == uid && !kube::is_being_deleted(pod)) pods.push_back(std::move(pod));
  }
  const auto is_new = [&](const Json& pod) {
    return pod["metadata"]["annotations"]["set"] == digest;
  };
  const auto all = static_cast<std::int64_t>(pods.size());
  const std::int64_t ready = std::count_if(pods.begin(), pods.end(), kube::is_ready);
  const std::int64_t fresh = std::count_if(pods.begin(), pods.end(), is_new);
  const auto old = std::find_if_not(pods.begin(), pods.end(), is_new);
  if (all < wanted) {
    Json pod =
        groups.contains("leaderTemplate") ? groups["leaderTemplate"] : groups["workerTemplate"];
    static int number = 0;
    pod["apiVersion"] = "v1";
    pod["kind"] = "Pod";
    pod["metadata"]["name"] = "group-" + std::to_string(++number);
    pod["metadata"]["annotations"]["set"] = digest;
    pod["metadata"]["ownerReferences"] = Json::array({{{"kind", "LeaderWorkerSet"},
                                                       {"name", kube::key_of(set).name},
                                                       {"uid", uid},
                                                       {"controller", true}}});
    world.add(std::move(pod));
  } else if (all > wanted) {
    world.remove("Pod", kube::key_of(pods.back()).name);
  } else if (old != pods.end() && ready == all) {
    world.remove("Pod", kube::key_of(*old).name);
  }
  const bool done = ready == wanted && fresh == wanted && all == wanted;
  const Json before = kube::map_at(set, {"status"});
  const Json status = {{"replicas", all},
                       {"readyReplicas", ready},
                       {"updatedReplicas", fresh},
                       {"conditions",
                        {set_condition("Available", done, before, world.now),
                         set_condition("Progressing", !done, before, world.now)}}};
  if (status == before) return;
  world.edit("LeaderWorkerSet", kube::key_of(set).name,
             [&](Json& object) { object["status"] = status; });
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

void run_sets(World& world) {
  for (const Json& set : world.of("LeaderWorkerSet")) run_set(world, set);
}

void accept_routes(World& world) {
  judge(world, "HTTPRoute");
  judge(world, "InferencePool");
}

}  // namespace nacelle::control::kserve::testing
