// What a service of inference.llm-d.ai makes of its load and of the state of its pods.
#include <gtest/gtest.h>

#include "control/core/kserve/preset_catalogue.h"
#include "control/core/llmd/service.h"
#include "kube/time.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::int64_t kNow = 1'767'225'600;

// A service of `ready` replicas, all of them ready.
struct Scene {
  Json service = *kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: llama, namespace: team, uid: u, generation: 1,
           finalizers: [inference.llm-d.ai/llmisvc-finalizer]}
spec:
  model: {id: a/b}
  autoscaling:
    minReplicas: 1
    maxReplicas: 8
    scaleDownStabilizationSeconds: 0
    metrics:
    - {type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}
    - {type: Throughput, throughput: {targetDecodeTokensPerSecond: 100}}
)");
  ServiceObserved observed;
  AutoscalerState state;

  explicit Scene(std::int64_t ready) {
    observed.now_s = kNow;
    observed.objects.now = kube::timestamp(kNow);
    service["status"]["demand"] = ready;
    for (std::int64_t i = 0; i < ready; ++i) {
      add_pod(R"({type: Ready, status: "True"})");
    }
  }
  void add_pod(const std::string& condition) {
    Json pod = *kube::json_of_yaml("metadata: {name: p, labels: {kserve.io/component: workload}}");
    pod["status"]["conditions"] = Json::array({*kube::json_of_yaml(condition)});
    observed.objects.pods.push_back(std::move(pod));
  }
  Json status() {
    kserve::Lookup lookup;
    lookup.config = [](std::string_view, std::string_view name) -> const Json* {
      for (const Json& preset : kserve::presets()) {
        if (text_at(preset, {"metadata", "name"}) == name) return &preset;
      }
      return nullptr;
    };
    const Decision decision = decide_service(service, {}, {}, lookup, observed, state);
    for (const Action& action : decision.actions) {
      if (const auto* write = std::get_if<UpdateStatus>(&action)) return write->object["status"];
    }
    return kube::map_at(service, {"status"});
  }
};

std::string condition(const Json& status, std::string_view type) {
  for (const Json& one : kube::list_at(status, {"conditions"})) {
    if (text_at(one, {"type"}) != type) continue;
    return std::string(text_at(one, {"status"})) + "/" + std::string(text_at(one, {"reason"}));
  }
  return "";
}

TEST(LlmdLoad, AReplicaWithoutANodeStopsTheRaise) {
  for (const std::int64_t seconds : {59, 60}) {
    Scene scene(1);
    scene.service["status"]["demand"] = 2;
    scene.add_pod(
        "{type: PodScheduled, status: 'False', reason: Unschedulable, "
        "lastTransitionTime: '" +
        kube::timestamp(kNow - seconds) + "'}");
    LoadSample load;
    load.queued = 90;
    load.arrival_rate = 9;
    load.completion_rate = 1;
    scene.observed.load = load;
    const Json status = scene.status();
    if (seconds < 60) {
      EXPECT_GT(number_at(status, {"desiredReplicas"}), 2);
      EXPECT_EQ(condition(status, "CapacityLimited"), "");
    } else {
      EXPECT_EQ(number_at(status, {"desiredReplicas"}), 2);
      EXPECT_EQ(condition(status, "CapacityLimited"), "True/Unschedulable");
    }
  }
}

TEST(LlmdLoad, WhatAnEngineRunsAtOnceHoldsReplicas) {
  const auto desired = [](const char* args) {
    Scene scene(4);
    scene.service["spec"]["engine"]["args"] = *kube::json_of_yaml(args);
    LoadSample load;
    load.queued = 0;
    load.decode_rate = 10;
    load.running = 30;
    load.max_running = 100;  // of an engine that is not told
    scene.observed.load = load;
    return number_at(scene.status(), {"desiredReplicas"});
  };
  EXPECT_EQ(desired("[--seed=1]"), 3);
  EXPECT_EQ(desired("[--max-num-seqs, '10']"), 4) << "30 / 3 is above 0.8 · 10";
}

TEST(LlmdLoad, AQueueAboveItsTargetIsSaidThoughNothingCanBeDone) {
  Scene scene(8);
  LoadSample load;
  load.queued = 400;
  load.decode_rate = 8000;
  scene.observed.load = load;
  Json status = scene.status();
  EXPECT_EQ(number_at(status, {"desiredReplicas"}), 8);
  EXPECT_EQ(condition(status, "ScalingActive"), "True/WithinTargets");
  EXPECT_EQ(condition(status, "QueueAboveTarget"), "True/TooManyQueued");
  scene.observed.load->queued = 4;
  EXPECT_EQ(condition(scene.status(), "QueueAboveTarget"), "False/WithinTarget");
  scene.observed.load.reset();
  scene.service["status"] = status;
  EXPECT_EQ(condition(scene.status(), "QueueAboveTarget"), "") << "nobody knows";
}

}  // namespace
}  // namespace nacelle::control::llmd
