// A service of inference.llm-d.ai: its form, its objects, its replicas; and the shares of a pool.
#include "control/core/llmd/service.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "control/core/kserve/preset_catalogue.h"
#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service_form.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;

Json yaml(const char* text) { return *kube::json_of_yaml(text); }

Json llama(std::int64_t replicas) {
  Json out = yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: llama, namespace: team, uid: u, generation: 1,
           finalizers: [inference.llm-d.ai/llmisvc-finalizer]}
spec:
  model: {id: meta-llama/Llama-3.1-8B}
  engine: {args: ["--max-model-len=4096"]}
  resources: {limits: {nvidia.com/gpu: 2}}
)");
  out["spec"]["replicas"] = replicas;
  return out;
}

struct World {
  kserve::GlobalConfig global;
  ServiceObserved observed;
  AutoscalerState state;

  World() { observed.objects.now = "2026-01-01T00:00:00Z"; }
  Decision decide(const Json& service) {
    kserve::Lookup lookup;
    lookup.config = [](std::string_view, std::string_view name) -> const Json* {
      for (const Json& preset : kserve::presets()) {
        if (text_at(preset, {"metadata", "name"}) == name) return &preset;
      }
      return nullptr;
    };
    return decide_service(service, global, {}, lookup, observed, state);
  }
  // The object of that kind and name that the decision applies; null when it applies none.
  Json applied(const Json& service, std::string_view kind, std::string_view name) {
    for (const Action& action : decide(service).actions) {
      const auto* apply = std::get_if<Apply>(&action);
      if (apply == nullptr) continue;
      const Target target = target_of(apply->object);
      if (target.kind == kind && target.name == name) return apply->object;
    }
    return {};
  }
  Json status(const Json& service) {
    for (const Action& action : decide(service).actions) {
      if (const auto* write = std::get_if<UpdateStatus>(&action)) return write->object["status"];
    }
    return kube::map_at(service, {"status"});
  }
};

TEST(LlmdServices, SourcesBecomeUris) {
  const auto uri = [](const char* model) {
    return model_uri({{"spec", {{"model", yaml(model)}}}});
  };
  EXPECT_EQ(uri("{id: org/name}"), "hf://org/name");
  EXPECT_EQ(uri("{id: org/name, source: {type: HuggingFace}}"), "hf://org/name");
  EXPECT_EQ(uri("{id: x, source: {type: S3, uri: \"s3://b/x\"}}"), "s3://b/x");
  EXPECT_EQ(uri("{id: /models/x}"), "file:///models/x");
  EXPECT_EQ(uri("{id: \"pvc://claim/x\"}"), "pvc://claim/x");
}

TEST(LlmdServices, AreMadeOfTheObjectsOfKservesForm) {
  World world;
  const Json service = llama(3);
  const Json deployment = world.applied(service, "Deployment", "llama-kserve");
  ASSERT_FALSE(deployment.is_null());
  EXPECT_EQ(number_at(deployment, {"spec", "replicas"}), 3);
  EXPECT_EQ(text_at(deployment["metadata"]["ownerReferences"][0], {"apiVersion"}), kVersion);
  const Json& main = deployment["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(main["args"], Json::array({"--max-model-len=4096"}));
  EXPECT_EQ(main["resources"]["limits"]["nvidia.com/gpu"], 2);
  EXPECT_FALSE(world.applied(service, "Service", "llama-kserve-workload-svc").is_null());
  EXPECT_FALSE(world.applied(service, "InferencePool", "llama-inference-pool").is_null());
}

TEST(LlmdServices, APoolAllotsFewerReplicas) {
  World world;
  const Json service = llama(3);
  world.observed.allowed = 1;
  EXPECT_EQ(number_at(world.applied(service, "Deployment", "llama-kserve"), {"spec", "replicas"}),
            1);
  const Json status = world.status(service);
  EXPECT_EQ(number_at(status, {"desiredReplicas"}), 1);
  EXPECT_EQ(number_at(status, {"demand"}), 3) << "what the pool is asked for stays";
}

TEST(LlmdServices, TheQueueScalesUp) {
  World world;
  Json service = llama(1);
  service["spec"]["autoscaling"] = yaml(R"({enabled: true, minReplicas: 1, maxReplicas: 8, metrics:
    [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]})");
  EXPECT_EQ(number_at(world.status(service), {"desiredReplicas"}), 1) << "nothing is measured";
  world.observed.objects.pods.push_back(yaml(R"({metadata: {name: p, labels:
    {kserve.io/component: workload}}, status: {conditions: [{type: Ready, status: "True"}]}})"));
  LoadSample load;
  load.queued = 14;
  world.observed.load = load;
  world.observed.now_s = 15;
  const Json status = world.status(service);
  EXPECT_EQ(number_at(status, {"desiredReplicas"}), 3);
  service["status"] = status;
  EXPECT_EQ(number_at(world.applied(service, "Deployment", "llama-kserve"), {"spec", "replicas"}),
            3);
}

TEST(LlmdServices, AnAnnotationSaysWhenTheLastReplicaGoes) {
  const auto desired = [](std::int64_t idle_for) {
    World world;
    Json service = llama(1);
    service["metadata"]["annotations"]["nacelle.dev/scale-to-zero-after"] = "20m";
    service["spec"]["autoscaling"] = yaml(R"({minReplicas: 0, maxReplicas: 2, metrics:
      [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]})");
    world.observed.objects.pods.push_back(yaml(R"({metadata: {name: p, labels:
      {kserve.io/component: workload}}, status: {conditions: [{type: Ready, status: "True"}]}})"));
    LoadSample load;
    load.queued = 0;
    load.idle_for = idle_for;
    world.observed.load = load;
    return number_at(world.status(service), {"desiredReplicas"});
  };
  EXPECT_EQ(desired(1199), 1);
  EXPECT_EQ(desired(1200), 0);
}

TEST(LlmdServices, ANewServiceHasNotBeenIdleForLongerThanItIsThere) {
  Json service = llama(1);
  service["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z";
  service["spec"]["autoscaling"] = yaml(R"({minReplicas: 0, maxReplicas: 2, metrics:
    [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]})");
  const std::int64_t made = 1'767'225'600;
  const auto desired = [&](std::int64_t now) {
    World world;
    world.observed.objects.pods.push_back(yaml(R"({metadata: {name: p, labels:
      {kserve.io/component: workload}}, status: {conditions: [{type: Ready, status: "True"}]}})"));
    LoadSample load;
    load.queued = 0;
    load.idle_for = 100'000;  // of a gateway that has been up for a day
    world.observed.load = load;
    world.observed.now_s = now;
    return number_at(world.status(service), {"desiredReplicas"});
  };
  EXPECT_EQ(desired(made + 10), 1);
  EXPECT_EQ(desired(made + 600), 0);
}

TEST(LlmdServices, AReplicaThatIsToGoIsNotAskedForAgain) {
  World world;
  Json service = llama(1);
  service["spec"]["autoscaling"] = yaml(R"({minReplicas: 1, maxReplicas: 8, metrics:
    [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]})");
  service["status"]["demand"] = 2;
  for (int i = 0; i < 3; ++i) {
    world.observed.objects.pods.push_back(yaml(R"({metadata: {name: p, labels:
      {kserve.io/component: workload}}, status: {conditions: [{type: Ready, status: "True"}]}})"));
  }
  LoadSample load;
  load.queued = 0;
  world.observed.load = load;
  EXPECT_EQ(number_at(world.status(service), {"desiredReplicas"}), 2);
  EXPECT_EQ(number_at(world.applied(service, "Deployment", "llama-kserve"), {"spec", "replicas"}),
            2);
}

TEST(LlmdServices, WhatTheApiRefusedIsSaid) {
  World world;
  world.observed.objects.refused = {"Deployment llama-kserve: quota"};
  const Json status = world.status(llama(1));
  std::string message;
  for (const Json& condition : status["conditions"]) {
    if (condition["type"] == "Ready") message = text_at(condition, {"message"});
  }
  EXPECT_EQ(message, "Deployment llama-kserve: quota");
}

ModelShape model_of(double weight_gb) {
  return {.weight_bytes = static_cast<std::int64_t>(weight_gb * 1e9),
          .layers = 32,
          .heads = 32,
          .kv_heads = 8,
          .head_dim = 128,
          .max_positions = 131072};
}

std::string condition(const Json& status, std::string_view type) {
  for (const Json& each : kube::list_at(status, {"conditions"})) {
    if (text_at(each, {"type"}) != type) continue;
    return std::string(text_at(each, {"status"})) + "/" + std::string(text_at(each, {"reason"})) +
           ": " + std::string(text_at(each, {"message"}));
  }
  return "";
}

bool makes_objects(World& world, const Json& service) {
  const Decision decision = world.decide(service);
  return std::any_of(decision.actions.begin(), decision.actions.end(), [](const Action& action) {
    return std::holds_alternative<Apply>(action) || std::holds_alternative<Create>(action) ||
           std::holds_alternative<Delete>(action);
  });
}

TEST(LlmdServices, OneThatFitsNowhereMakesNoPods) {
  World world;
  Json service = llama(1);
  EXPECT_EQ(condition(world.status(service), "VRAMValidated"),
            "Unknown/DeviceMemoryUnknown: no node says how much memory its devices have (label "
            "nvidia.com/gpu.memory, in MiB)");
  EXPECT_TRUE(makes_objects(world, service)) << "what is not known refuses nothing";
  world.observed.devices = {
      {.resource = "nvidia.com/gpu", .count = 2, .bytes = std::int64_t{24} << 30}};
  world.observed.model = {.shape = std::nullopt, .reason = "ModelNotLocal", .message = "far away"};
  EXPECT_EQ(condition(world.status(service), "VRAMValidated"), "Unknown/ModelNotLocal: far away");
  EXPECT_TRUE(makes_objects(world, service));

  world.observed.model = {.shape = model_of(16)};
  EXPECT_EQ(
      condition(world.status(service), "VRAMValidated"),
      "True/Fits: llama 21.05 (weights 14.90, KV minimum 0.50, activation 5.50, context 0.15, "
      "graphs 0.00) GiB of 90 % of a 24.00 GiB device");
  EXPECT_TRUE(makes_objects(world, service));

  world.observed.model = {.shape = model_of(18)};
  Json status = world.status(service);
  const std::string told =
      "False/InsufficientVRAM: 22.91 GiB are needed of 21.60 GiB (90 % of a 24.00 GiB device), "
      "1.31 "
      "GiB too much: llama 22.91 (weights 16.76, KV minimum 0.50, activation 5.50, context 0.15, "
      "graphs 0.00); spec.resources.vram, where given, is believed";
  EXPECT_EQ(condition(status, "VRAMValidated"), told);
  EXPECT_EQ(condition(status, "Ready"), told);
  EXPECT_FALSE(makes_objects(world, service));
  const auto warnings = [&] {
    std::size_t count = 0;
    for (const Action& action : world.decide(service).actions) {
      count += std::holds_alternative<RecordEvent>(action) ? 1U : 0U;
    }
    return count;
  };
  EXPECT_EQ(warnings(), 1U);
  service["status"] = status;
  EXPECT_TRUE(world.decide(service).actions.empty()) << "a settled service is written to";

  // Its flags and what it declares change that.
  service["spec"]["engine"]["args"].push_back("--tensor-parallel-size=2");
  EXPECT_TRUE(condition(world.status(service), "VRAMValidated").starts_with("True/Fits"));
  service["spec"]["engine"]["args"].erase(1);
  service["spec"]["resources"]["vram"] = "40Gi";
  EXPECT_TRUE(condition(world.status(service), "VRAMValidated")
                  .starts_with("True/Fits: llama 20.00 (declared)"));
  EXPECT_TRUE(makes_objects(world, service));
}

TEST(LlmdServices, WhatRunsIsLeftAloneByARefusal) {
  World world;
  Json service = llama(1);
  world.observed.devices = {
      {.resource = "nvidia.com/gpu", .count = 2, .bytes = std::int64_t{24} << 30}};
  world.observed.model = {.shape = model_of(16)};
  for (const Action& action : world.decide(service).actions) {
    const auto* apply = std::get_if<Apply>(&action);
    if (apply != nullptr) world.observed.objects.children.push_back(apply->object);
  }
  ASSERT_FALSE(world.observed.objects.children.empty());
  service["spec"]["engine"]["args"] = {"--max-model-len=131072"};
  EXPECT_TRUE(condition(world.status(service), "Ready").starts_with("False/InsufficientVRAM"));
  EXPECT_FALSE(makes_objects(world, service)) << "neither a new template nor fewer objects";
  service["spec"]["replicas"] = 0;
  EXPECT_EQ(number_at(world.applied(service, "Deployment", "llama-kserve"), {"spec", "replicas"}),
            0)
      << "no replica needs no memory";
  EXPECT_TRUE(condition(world.status(service), "Ready").starts_with("False/InsufficientVRAM"));
}

Json pool(const char* spec, const char* made = "2026-01-01T00:00:00Z") {
  Json out = {{"apiVersion", kVersion},
              {"kind", kPoolKind},
              {"metadata", {{"name", "p"}, {"namespace", "team"}, {"creationTimestamp", made}}}};
  out["spec"] = yaml(spec);
  return out;
}

Json pool_status(const Json& of, const PoolObserved& observed) {
  for (const Action& action : decide_pool(of, observed).actions) {
    if (const auto* write = std::get_if<UpdateStatus>(&action)) return write->object["status"];
  }
  return kube::map_at(of, {"status"});
}

std::string reason(const Json& status, std::string_view type) {
  for (const Json& condition : kube::list_at(status, {"conditions"})) {
    if (text_at(condition, {"type"}) == type) {
      return std::string(text_at(condition, {"status"})) + "/" +
             std::string(text_at(condition, {"reason"}));
    }
  }
  return "";
}

Json member(const char* name, std::int64_t replicas, const char* vram = nullptr) {
  Json out = {{"metadata", {{"name", name}, {"namespace", "team"}}},
              {"spec", {{"model", {{"id", name}}}, {"replicas", replicas}}}};
  if (vram != nullptr) out["spec"]["resources"]["vram"] = vram;
  return out;
}

NodeDevices gpus(std::int64_t count, std::int64_t gib) {
  return {.resource = "nvidia.com/gpu", .count = count, .bytes = gib << 30};
}

TEST(LlmdPools, WeightsShareTheBudgetAndServicesReadIt) {
  Json of = pool(R"({services: [{name: a, weight: 60, priority: high}, {name: b, weight: 40}],
    resourcePolicy: {gpuBudget: "4"}})");
  PoolObserved observed{.services = {member("a", 4), member("b", 4)}, .pools = {of}};
  const Json status = pool_status(of, observed);
  EXPECT_EQ(number_at(status["services"][0], {"allocated"}), 2);
  EXPECT_EQ(number_at(status["services"][1], {"allocated"}), 2);
  EXPECT_EQ(reason(status, "BudgetSatisfied"), "False/DemandAboveBudget");
  EXPECT_EQ(reason(status, "ServicesResolved"), "True/ResolvedRefs");
  EXPECT_FALSE(allowed_replicas(observed.services[0], observed.pools)) << "not decided yet";
  of["status"] = status;
  observed.pools = {of};
  EXPECT_EQ(allowed_replicas(observed.services[0], observed.pools), 2);
  EXPECT_TRUE(decide_pool(of, observed).actions.empty()) << "a settled pool is written to";
  EXPECT_FALSE(allowed_replicas(member("c", 1), observed.pools));
}

TEST(LlmdPools, AServiceBelongsToTheOlderPool) {
  const Json old = pool("{services: [{name: a}]}");
  Json late = pool("{services: [{name: a}, {name: missing}]}", "2026-02-01T00:00:00Z");
  late["metadata"]["name"] = "q";
  const PoolObserved observed{.services = {member("a", 1)},
                              .pools = {late, old},
                              .devices = {{.resource = "nvidia.com/gpu", .count = 8}}};
  EXPECT_EQ(reason(pool_status(old, observed), "Accepted"), "True/Accepted");
  const Json status = pool_status(late, observed);
  EXPECT_EQ(reason(status, "Accepted"), "False/ServiceInOtherPool");
  EXPECT_EQ(reason(status, "ServicesResolved"), "False/ServiceNotFound");
  EXPECT_TRUE(status["services"].empty());
}

TEST(LlmdPools, ServicesThatMustShareADeviceMustFitOnIt) {
  const Json of = pool(R"({services: [{name: l70}, {name: l13}],
    resourcePolicy: {gpuBudget: "1"}})");
  PoolObserved observed{.services = {member("l70", 1, "45Gi"), member("l13", 1, "35Gi")},
                        .pools = {of},
                        .devices = {gpus(1, 80)}};
  Json status = pool_status(of, observed);
  EXPECT_EQ(reason(status, "VRAMValidated"), "False/InsufficientVRAM");
  EXPECT_NE(status.dump().find("l70 45.00"), std::string::npos) << status.dump();
  observed.services[1] = member("l13", 1, "20Gi");
  EXPECT_EQ(reason(pool_status(of, observed), "VRAMValidated"), "True/Fits");
  observed.services[1] = member("l13", 1);
  EXPECT_EQ(reason(pool_status(of, observed), "VRAMValidated"), "Unknown/NoDeviceAsked");
}

// 35 GB and 26 GB of weights, of services that each ask for one GPU.
PoolObserved two_models(const Json& of, NodeDevices devices) {
  PoolObserved out{.services = {member("l70", 1), member("l13", 1)},
                   .pools = {of},
                   .devices = {std::move(devices)}};
  const auto facts = [](std::int64_t layers, std::int64_t heads, std::int64_t kv_heads, double gb) {
    return ModelFacts{.shape = ModelShape{.weight_bytes = static_cast<std::int64_t>(gb * 1e9),
                                          .layers = layers,
                                          .heads = heads,
                                          .kv_heads = kv_heads,
                                          .head_dim = 128,
                                          .max_positions = 4096}};
  };
  out.models = {{"l70", facts(80, 64, 8, 35)}, {"l13", facts(40, 40, 40, 26)}};
  for (Json& service : out.services)
    service["spec"]["resources"]["limits"] = {{"nvidia.com/gpu", 1}};
  return out;
}

TEST(LlmdPools, MembersHearOfARefusal) {
  Json of = pool(R"({services: [{name: l70}, {name: l13}], resourcePolicy: {gpuBudget: "1"}})");
  PoolObserved observed = two_models(of, gpus(1, 75));
  const Json status = pool_status(of, observed);
  EXPECT_EQ(reason(status, "VRAMValidated"), "False/InsufficientVRAM");
  EXPECT_EQ(reason(status, "Ready"), "False/NotAccepted");
  for (const char* part : {"l70 39.50 (weights 32.60, KV minimum 1.25, activation 5.50",
                           "l13 32.99 (weights 24.21, KV minimum 3.12, activation 5.50"}) {
    EXPECT_NE(status["conditions"].dump().find(part), std::string::npos) << status.dump(2);
  }
  of["status"] = status;
  observed.pools = {of};
  EXPECT_TRUE(decide_pool(of, observed).actions.empty()) << "a settled pool is written to";
  EXPECT_TRUE(refusal_of(observed.services[1], observed.pools).starts_with("in pool p: "))
      << status;
  EXPECT_EQ(refusal_of(member("c", 1), observed.pools), "");
  observed.devices = {gpus(2, 75)};
  EXPECT_EQ(reason(pool_status(of, observed), "VRAMValidated"), "False/InsufficientVRAM")
      << "its budget is one";
  of["spec"]["resourcePolicy"]["gpuBudget"] = "2";
  const Json apart = pool_status(of, observed);
  EXPECT_EQ(reason(apart, "VRAMValidated"), "True/Fits");
  EXPECT_FALSE(apart["services"][0].contains("message"));
}

TEST(LlmdPools, SharesShrinkWhereADeviceIsLentToSeveral) {
  Json of = pool(R"({services: [{name: l70}, {name: l13, priority: high}]})");
  NodeDevices lent = gpus(2, 75);
  lent.sharers = 2;
  PoolObserved observed = two_models(of, lent);
  const Json status = pool_status(of, observed);
  EXPECT_EQ(number_at(status["services"][0], {"allocated"}), 0) << status.dump(2);
  EXPECT_EQ(number_at(status["services"][0], {"unmetReplicas"}), 1);
  EXPECT_EQ(number_at(status["services"][1], {"allocated"}), 1);
  EXPECT_EQ(reason(status, "VRAMValidated"), "False/InsufficientVRAM");
  observed.devices[0].bytes = std::int64_t{141} << 30;
  EXPECT_EQ(number_at(pool_status(of, observed)["services"][0], {"allocated"}), 1);
  observed.devices[0].bytes = std::int64_t{75} << 30;
  observed.pods.push_back(yaml(R"({metadata: {name: p, labels: {app.kubernetes.io/name: l70,
    kserve.io/component: workload}}, status: {conditions: [{type: Ready, status: "True"}]}})"));
  EXPECT_EQ(number_at(pool_status(of, observed)["services"][0], {"allocated"}), 1)
      << "a replica that answers has its place";
}

}  // namespace
}  // namespace nacelle::control::llmd
