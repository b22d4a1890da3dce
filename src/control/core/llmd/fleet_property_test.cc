// The same end from any interleaving, crash and jump of the clock, and then no write.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "control/core/llmd/testing/fleet.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;
using testing::Fleet;

Json service(const char* name, int replicas) {
  Json out = *kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
spec: {resources: {limits: {nvidia.com/gpu: 1}, vram: 10Gi}}
)");
  out["metadata"]["name"] = name;
  out["spec"]["model"]["id"] = std::string("org/") + name;
  out["spec"]["replicas"] = replicas;
  return out;
}

Json pool(const char* policy) {
  Json out = *kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferencePool
metadata: {name: shared}
spec:
  services: [{name: a, weight: 60, priority: high}, {name: b, weight: 40}]
  resourcePolicy: {gpuBudget: "4"}
)");
  out["spec"]["resourcePolicy"]["evictionPolicy"] = policy;
  return out;
}

// What must be the same in the end, whatever the names, the times and what it took.
Json essence(Fleet& fleet) {
  Json out;
  out["pods"] = fleet.pods();
  for (const Json& object : fleet.world.objects()) {
    const std::string kind(text_at(object, {"kind"}));
    const std::string name = kube::key_of(object).name;
    if (kind == "Pod" || kind == "ReplicaSet") continue;
    Json& of = out[kind][name];
    of["spec"] = object.value("spec", Json());
    for (const Json& condition : kube::list_at(object, {"status", "conditions"})) {
      of["conditions"][condition.value("type", "")] = condition.value("status", "");
    }
    for (const Json& share : kube::list_at(object, {"status", "services"})) {
      of["shares"][share.value("name", "")] = {share["entitlement"], share["allocated"],
                                               share["borrowed"], share["unmetReplicas"]};
    }
  }
  return out;
}

struct Plot {
  const char* name;
  const char* policy;
  std::int64_t jump = 0;  // of the clock, in the middle
};

// Calm without `dice`.
std::unique_ptr<Fleet> live(const Plot& plot, std::mt19937* dice) {
  auto fleet = std::make_unique<Fleet>(
      std::vector<Json>{service("a", 1), service("b", 4), pool(plot.policy)});
  if (dice != nullptr) fleet->world.stumble(*dice, 100);
  EXPECT_TRUE(fleet->settle()) << plot.name << fleet->world.text();
  EXPECT_EQ(fleet->pods(), (std::map<std::string, std::int64_t>{{"a", 1}, {"b", 3}})) << plot.name;
  fleet->change("LLMInferenceService", "a", "spec: {replicas: 3}");
  if (dice != nullptr) fleet->world.stumble(*dice, 100);
  fleet->world.now += plot.jump;
  if (dice != nullptr) fleet->world.stumble(*dice, 100);
  EXPECT_TRUE(fleet->settle()) << plot.name << fleet->world.text();
  return fleet;
}

TEST(LlmdFleet, TheSameEndFromAnyInterleavingCrashAndJumpOfTheClock) {
  const Plot plots[] = {
      {"none", "None"},
      {"none, an hour ahead", "None", 3600},
      {"none, an hour back", "None", -3600},
      {"low priority", "LowPriority"},
      {"low priority, an hour ahead", "LowPriority", 3600},
      {"low priority, an hour back", "LowPriority", -3600},
  };
  const Json calm = essence(*live(plots[0], nullptr));
  EXPECT_EQ(calm["pods"], (Json{{"a", 2}, {"b", 2}}));
  std::uint32_t seed = 0;
  for (const Plot& plot : plots) {
    for (const std::uint32_t end = seed + 3; seed < end; ++seed) {
      std::mt19937 dice(seed);
      const auto wild = live(plot, &dice);
      Json seen = essence(*wild);
      seen["LLMInferencePool"]["shared"]["spec"] = calm["LLMInferencePool"]["shared"]["spec"];
      ASSERT_EQ(seen, calm) << "seed " << seed << ", " << plot.name;
      ASSERT_EQ(wild->world.writes_to_settle(), 0) << "seed " << seed << ", " << plot.name;
    }
  }
}

TEST(LlmdFleet, AServiceThatGoesLeavesItsShareAndNothingElse) {
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937 dice(seed);
    Fleet fleet({service("a", 2), service("b", 4), pool("None")});
    ASSERT_TRUE(fleet.settle());
    fleet.world.remove("LLMInferenceService", "a");
    fleet.world.stumble(dice, 100);
    ASSERT_TRUE(fleet.settle()) << fleet.world.text();
    EXPECT_EQ(fleet.pods(), (std::map<std::string, std::int64_t>{{"b", 4}})) << "seed " << seed;
    for (const Json& object : fleet.world.objects()) {
      EXPECT_FALSE(kube::key_of(object).name.starts_with("a-")) << object.dump();
    }
  }
}

}  // namespace
}  // namespace nacelle::control::llmd
