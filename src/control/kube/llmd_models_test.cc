// Models in folders, devices by the labels of a node: whether services fit, through the
// controllers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"
#include "net/testing/test_folder.h"

namespace nacelle::control {
namespace {

namespace fs = std::filesystem;
using testing::Cluster;
using ::testing::HasSubstr;

constexpr const char* kApi = "inference.llm-d.ai/v1alpha1";
constexpr const char* kService = "LLMInferenceService";
constexpr std::uintmax_t kGB = 1'000'000'000;

Json yaml(const std::string& text) { return *kube::json_of_yaml(text); }

struct Models : net::testing::TestFolder {
  // A folder with weights of that size, in two files; its path.
  std::string make(const std::string& name, const char* config, std::uintmax_t bytes) const {
    write(name + "/config.json", config);
    fs::resize_file(write(name + "/model-1.safetensors", ""), bytes / 2);
    fs::resize_file(write(name + "/model-2.safetensors", ""), bytes - bytes / 2);
    return (path() / name).string();
  }
  [[nodiscard]] std::string llama_70b(std::uintmax_t bytes) const {
    return make("70b",
                R"({"model_type": "llama", "num_hidden_layers": 80, "num_attention_heads": 64,
      "num_key_value_heads": 8, "hidden_size": 8192, "max_position_embeddings": 8192})",
                bytes);
  }
  [[nodiscard]] std::string llama_13b() const {
    return make("13b",
                R"({"model_type": "llama", "num_hidden_layers": 40, "num_attention_heads": 40,
      "hidden_size": 5120, "max_position_embeddings": 4096})",
                26 * kGB);
  }
};

Json service(const std::string& name, const std::string& model, const std::string& args = "") {
  Json out = yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {namespace: team}
spec:
  engine: {type: vllm}
  resources: {limits: {nvidia.com/gpu: 1}}
  replicas: 1
)");
  out["metadata"]["name"] = name;
  out["spec"]["model"]["id"] = model;
  if (!args.empty()) out["spec"]["engine"]["args"] = Json::array({args});
  return out;
}

// A node whose devices have 80 GB.
void add_node(Cluster& cluster) {
  const auto reply = cluster.apply(yaml(R"(
apiVersion: v1
kind: Node
metadata: {name: gpus, labels: {nvidia.com/gpu.memory: "76294"}}
)"));
  ASSERT_EQ(reply.status, 201) << reply.text;
}

std::string memory_of(Cluster& cluster, const char* kind, const std::string& name,
                      const char* type = "VRAMValidated") {
  return Cluster::condition(cluster.get(kApi, kind, name), type);
}

// Of engines.
std::size_t num_pods(Cluster& cluster) {
  return cluster.api()
      .get("/api/v1/namespaces/team/pods?labelSelector=kserve.io/component%3Dworkload")
      .body["items"]
      .size();
}

TEST(LlmdModels, SeventyAndThirteenOnOneDeviceAreRefused) {
  const Models models;
  Cluster cluster;
  add_node(cluster);
  ASSERT_EQ(cluster.apply(service("llama-70b", models.llama_70b(35 * kGB))).status, 201);
  ASSERT_EQ(cluster.apply(service("llama-13b", models.llama_13b())).status, 201);
  EXPECT_EQ(cluster.when_true(kApi, kService, "llama-70b", "VRAMValidated"), "True");
  EXPECT_EQ(cluster.when_true(kApi, kService, "llama-13b", "Ready"), "True") << "alone it fits";
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferencePool
metadata: {name: shared, namespace: team}
spec:
  services: [{name: llama-70b, weight: 60}, {name: llama-13b, weight: 40}]
  resourcePolicy: {gpuBudget: "1"}
)"))
                .status,
            201);
  const std::string terms =
      "72.34 GiB are needed of 67.06 GiB (90 % of a 74.51 GiB device), 5.28 GiB too much: "
      "llama-70b 40.05 (weights 32.60, KV minimum 2.50, activation 4.80, context 0.15, graphs "
      "0.00); "
      "llama-13b 32.29 (weights 24.21, KV minimum 3.12, activation 4.80, context 0.15, graphs "
      "0.00)";
  std::string seen;
  EXPECT_TRUE(cluster.eventually([&] {
    seen = memory_of(cluster, "LLMInferencePool", "shared");
    return seen.starts_with("False");
  })) << seen;
  EXPECT_EQ(seen, "False: InsufficientVRAM " + terms);
  EXPECT_THAT(memory_of(cluster, "LLMInferencePool", "shared", "Ready"), HasSubstr("False"));
  for (const char* name : {"llama-70b", "llama-13b"}) {
    EXPECT_TRUE(cluster.eventually([&] {
      seen = memory_of(cluster, kService, name);
      return seen == "False: InsufficientVRAM in pool shared: " + terms;
    })) << seen;
  }
  EXPECT_TRUE(cluster.settle()) << "a settled pool is written to";

  // Smaller than computed, as somebody measured it.
  Json measured = service("llama-70b", models.path() / "70b");
  measured["spec"]["resources"]["vram"] = "30Gi";
  ASSERT_EQ(cluster.apply(measured).status, 200);
  EXPECT_EQ(cluster.when_true(kApi, "LLMInferencePool", "shared", "VRAMValidated"), "True");
  EXPECT_EQ(cluster.when_true(kApi, kService, "llama-13b", "VRAMValidated"), "True");
}

TEST(LlmdModels, OneThatFitsNowhereMakesNoPods) {
  const Models models;
  Cluster cluster;
  add_node(cluster);
  ASSERT_EQ(cluster.apply(service("whole", models.llama_70b(141 * kGB))).status, 201);
  std::string seen;
  EXPECT_TRUE(cluster.eventually([&] {
    seen = memory_of(cluster, kService, "whole", "Ready");
    return seen.starts_with("False: InsufficientVRAM");
  })) << seen;
  EXPECT_THAT(seen, HasSubstr("whole 138.77 (weights 131.32, KV minimum 2.50, activation 4.80"));
  EXPECT_TRUE(cluster.settle()) << "a settled service is written to";
  EXPECT_TRUE(cluster.get("apps/v1", "Deployment", "whole-kserve").is_null());
  EXPECT_EQ(num_pods(cluster), 0U);
  EXPECT_TRUE(cluster.eventually([&] {
    const Json events = cluster.api().get("/api/v1/namespaces/team/events").body;
    return events.dump().find("InsufficientVRAM") != std::string::npos;
  }));

  // Split over four it fits.
  Json split = service("whole", models.path() / "70b", "-tp=4 --max-model-len=8K");
  split["spec"]["resources"]["limits"]["nvidia.com/gpu"] = 4;
  ASSERT_EQ(cluster.apply(split).status, 200);
  EXPECT_EQ(cluster.when_true(kApi, kService, "whole", "Ready"), "True");
  const Json deployment = cluster.get("apps/v1", "Deployment", "whole-kserve");

  // No more: what runs goes on, and no pod of the new form is made.
  ASSERT_EQ(cluster.apply(service("whole", models.path() / "70b")).status, 200);
  EXPECT_TRUE(cluster.eventually([&] {
    return memory_of(cluster, kService, "whole", "Ready").starts_with("False: InsufficientVRAM");
  }));
  EXPECT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.get("apps/v1", "Deployment", "whole-kserve")["spec"], deployment["spec"]);
  EXPECT_EQ(num_pods(cluster), 1U);
}

TEST(LlmdModels, WhatIsNotKnownRefusesNothing) {
  const Models models;
  const std::string good = models.llama_13b();
  models.make("damaged", "{\"num_hidden_layers\": ", kGB);
  Cluster cluster;
  add_node(cluster);
  const std::pair<const char*, Json> services[] = {
      {"Unknown: ModelNotFound ", service("missing", "/nowhere/at/all")},
      {"Unknown: ModelUnreadable ", service("damaged", (models.path() / "damaged").string())},
      {"Unknown: ModelNotLocal hf://org/model is no folder", service("far", "org/model")},
      {"Unknown: ClaimNotBound ", service("claim", "pvc://nobody/x")},
      {"Unknown: ModelNotLocal pvc://claim/../etc leaves", service("up", "pvc://claim/../etc")},
      {"Unknown: EngineArguments --quantization", service("packed", good, "--quantization=fp8")},
  };
  for (const auto& [verdict, object] : services) {
    ASSERT_EQ(cluster.apply(object).status, 201) << verdict;
  }
  for (const auto& [verdict, object] : services) {
    const std::string name = kube::key_of(object).name;
    EXPECT_EQ(cluster.when_true(kApi, kService, name, "Ready"), "True") << name;
    EXPECT_THAT(memory_of(cluster, kService, name), ::testing::StartsWith(verdict)) << name;
  }
  EXPECT_TRUE(cluster.settle());
}

TEST(LlmdModels, OfClaimsOfThisMachine) {
  const Models models;
  (void)models.llama_13b();
  Cluster cluster;
  add_node(cluster);
  ASSERT_EQ(cluster.apply(service("claimed", "pvc://models/13b")).status, 201);
  EXPECT_TRUE(cluster.eventually([&] {
    return memory_of(cluster, kService, "claimed").starts_with("Unknown: ClaimNotBound");
  }));
  Json volume = yaml(R"(
apiVersion: v1
kind: PersistentVolume
metadata: {name: models}
spec: {capacity: {storage: 1Ti}, accessModes: [ReadOnlyMany], storageClassName: ""}
)");
  volume["spec"]["hostPath"]["path"] = models.path().string();
  ASSERT_EQ(cluster.apply(volume).status, 201);
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: team}
spec:
  accessModes: [ReadOnlyMany]
  storageClassName: ""
  volumeName: models
  resources: {requests: {storage: 1Ti}}
)"))
                .status,
            201);
  EXPECT_EQ(cluster.when_true(kApi, kService, "claimed", "VRAMValidated"), "True");
  EXPECT_THAT(memory_of(cluster, kService, "claimed"), HasSubstr("weights 24.21"));
}

TEST(LlmdModels, WithoutDevicesNothingIsSaid) {
  const Models models;
  Cluster cluster;
  Json plain = service("plain", models.llama_13b());
  plain["spec"].erase("resources");
  ASSERT_EQ(cluster.apply(plain).status, 201);
  ASSERT_EQ(cluster.apply(service("asking", (models.path() / "13b").string())).status, 201);
  EXPECT_EQ(cluster.when_true(kApi, kService, "plain", "Ready"), "True");
  EXPECT_EQ(memory_of(cluster, kService, "plain"), "");
  EXPECT_EQ(cluster.when_true(kApi, kService, "asking", "Ready"), "True");
  EXPECT_THAT(memory_of(cluster, kService, "asking"),
              ::testing::StartsWith("Unknown: DeviceMemoryUnknown"));
  // A device appears, and it is too small.
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: v1
kind: Node
metadata: {name: gpus, labels: {nvidia.com/gpu.memory: "24576"}}
)"))
                .status,
            201);
  EXPECT_TRUE(cluster.eventually([&] {
    return memory_of(cluster, kService, "asking").starts_with("False: InsufficientVRAM");
  }));
  EXPECT_EQ(num_pods(cluster), 2U) << "what runs goes on";
}

}  // namespace
}  // namespace nacelle::control
