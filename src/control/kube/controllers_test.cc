// The controllers at a real API server: what is applied becomes objects, conditions and addresses,
// and then nothing is written any more.
#include "control/kube/controllers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::number_at;
using kube::text_at;
using kube::testing::ApiReply;
using testing::Cluster;
using ::testing::HasSubstr;

constexpr const char* kServing = "serving.kserve.io/v1alpha2";
constexpr const char* kService = "LLMInferenceService";

Json yaml(const char* text) { return *kube::json_of_yaml(text); }

// A worked example, without what only the pure tests need of it.
Json example(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(NACELLE_TESTDATA) / "kserve" / name).rdbuf();
  Json object = *kube::json_of_yaml(text.str());
  for (const char* field : {"uid", "generation", "finalizers"}) object["metadata"].erase(field);
  return object;
}

constexpr const char* kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: one, ports: [{containerPort: 8000, name: http}]}]}
)";
constexpr const char* kWebService = R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: team}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
)";

std::size_t num_endpoints(Cluster& cluster, const char* service) {
  const Json slices =
      cluster.api()
          .get(std::string("/apis/discovery.k8s.io/v1/namespaces/team/endpointslices"
                           "?labelSelector=kubernetes.io/service-name%3D") +
               service)
          .body;
  std::size_t ready = 0;
  for (const Json& slice : kube::list_at(slices, {"items"})) {
    for (const Json& endpoint : kube::list_at(slice, {"endpoints"})) {
      if (kube::bool_at(endpoint, {"conditions", "ready"})) ++ready;
    }
  }
  return ready;
}

TEST(ControllersAtAnApi, DeploymentAndService) {
  Cluster cluster;
  Json web = yaml(kWeb);
  const char* last_applied = "kubectl.kubernetes.io/last-applied-configuration";
  web["metadata"]["annotations"][last_applied] = "{}";
  EXPECT_EQ(cluster.apply(web).status, 201);
  EXPECT_EQ(cluster.apply(yaml(kWebService)).status, 201);
  EXPECT_EQ(cluster.when_true("apps/v1", "Deployment", "web", "Available"), "True");
  EXPECT_TRUE(cluster.eventually([&] { return num_endpoints(cluster, "web") == 2; }));

  const Json written = cluster.get("apps/v1", "Deployment", "web");
  EXPECT_EQ(text_at(written, {"metadata", "annotations", "deployment.kubernetes.io/revision"}),
            "1");
  EXPECT_EQ(text_at(written, {"metadata", "annotations", last_applied}), "{}")
      << "informers do not keep it, and controllers must not lose it";

  // A new image rolls out; a scale up and down is followed.
  Json changed = web;
  changed["spec"]["template"]["spec"]["containers"][0]["image"] = "two";
  changed["spec"]["replicas"] = 3;
  EXPECT_EQ(cluster.apply(changed).status, 200);
  EXPECT_TRUE(cluster.eventually([&] {
    const Json deployment = cluster.get("apps/v1", "Deployment", "web");
    return number_at(deployment, {"status", "updatedReplicas"}) == 3 &&
           number_at(deployment, {"status", "availableReplicas"}) == 3 &&
           number_at(deployment, {"status", "replicas"}) == 3;
  }));
  EXPECT_TRUE(cluster.eventually([&] { return num_endpoints(cluster, "web") == 3; }));
  EXPECT_TRUE(cluster.eventually([&] {
    const Json events = cluster.api().get("/api/v1/namespaces/team/events").body;
    return events.dump().find("ScalingReplicaSet") != std::string::npos;
  }));
  EXPECT_TRUE(cluster.settle()) << "somebody always writes";

  EXPECT_EQ(cluster.api().remove("/apis/apps/v1/namespaces/team/deployments/web").status, 200);
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.api().get("/api/v1/namespaces/team/pods").body["items"].empty() &&
           cluster.api().get("/apis/apps/v1/namespaces/team/replicasets").body["items"].empty();
  })) << "the API collects what has no owner";
}

TEST(ControllersAtAnApi, ASingleNodeServiceBecomesReady) {
  Cluster cluster;
  const ApiReply applied = cluster.apply(example("e1-single-node.yaml"));
  ASSERT_EQ(applied.status, 201) << applied.text;
  EXPECT_EQ(cluster.when_true(kServing, kService, "chat", "Ready"), "True");
  const Json service = cluster.get(kServing, kService, "chat");
  EXPECT_EQ(text_at(service, {"status", "url"}), "http://203.0.113.7/team/chat");
  for (const char* type :
       {"PresetsCombined", "MainWorkloadReady", "WorkloadsReady", "GatewaysReady",
        "HTTPRoutesReady", "InferencePoolReady", "SchedulerWorkloadReady", "RouterReady"}) {
    EXPECT_THAT(Cluster::condition(service, type), HasSubstr("True")) << type;
  }
  for (const auto& [api, kind, name] : std::initializer_list<std::array<const char*, 3>>{
           {"apps/v1", "Deployment", "chat-kserve"},
           {"apps/v1", "Deployment", "chat-kserve-router-scheduler"},
           {"v1", "Service", "chat-kserve-workload-svc"},
           {"v1", "Service", "chat-epp-service"},
           {"v1", "ServiceAccount", "chat-epp-sa"},
           {"v1", "Secret", "chat-kserve-self-signed-certs"},
           {"inference.networking.k8s.io/v1", "InferencePool", "chat-inference-pool"},
           {"gateway.networking.k8s.io/v1", "HTTPRoute", "chat-kserve-route"}}) {
    EXPECT_FALSE(cluster.get(api, kind, name).is_null()) << kind << " " << name;
  }
  EXPECT_TRUE(cluster.eventually([&] {
    const Json preset =
        cluster.get(kServing, "LLMInferenceServiceConfig", "kserve-config-llm-template", "kserve");
    return Cluster::condition(preset, "ConfigInUse").starts_with("True: InUse");
  }));
  EXPECT_TRUE(cluster.settle()) << "a settled service is written to";

  // Stopped, everything but the service goes; deleted, that goes, too.
  Json stopped = example("e1-single-node.yaml");
  stopped["metadata"]["annotations"]["serving.kserve.io/stop"] = "true";
  EXPECT_EQ(cluster.apply(stopped).status, 200);
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.get("apps/v1", "Deployment", "chat-kserve").is_null() &&
           cluster.get("v1", "Secret", "chat-kserve-self-signed-certs").is_null() &&
           Cluster::condition(cluster.get(kServing, kService, "chat"), "Ready")
               .starts_with("False: Stopped");
  }));
  cluster.api().remove(
      "/apis/serving.kserve.io/v1alpha2/namespaces/team/llminferenceservices/chat");
  EXPECT_TRUE(
      cluster.eventually([&] { return cluster.get(kServing, kService, "chat").is_null(); }));
}

TEST(ControllersAtAnApi, ARevisionIsTriedAndPromotedOrRolledBack) {
  Cluster cluster;
  Json service = example("e1-single-node.yaml");
  service["metadata"]["annotations"] = {{"nacelle.dev/canary-steps", "25,50"},
                                        {"nacelle.dev/canary-step-seconds", "1"}};
  Json& image = service["spec"]["template"]["containers"][0]["image"];
  image = "one";
  ASSERT_EQ(cluster.apply(service).status, 201);
  ASSERT_EQ(cluster.when_true(kServing, kService, "chat", "Ready"), "True");

  const auto image_of = [&](const char* deployment) {
    const Json found = cluster.get("apps/v1", "Deployment", deployment);
    const Json& containers = kube::list_at(found, {"spec", "template", "spec", "containers"});
    return containers.empty() ? "none" : containers[0].value("image", "");
  };
  const auto gone = [&] {
    return cluster.get("apps/v1", "Deployment", "chat-kserve-canary").is_null() &&
           cluster
               .get("inference.networking.k8s.io/v1", "InferencePool", "chat-canary-inference-pool")
               .is_null();
  };
  std::string seen;
  const auto becomes = [&](const char* condition) {
    return cluster.eventually([&] {
      const Json now = cluster.get(kServing, kService, "chat");
      EXPECT_THAT(Cluster::condition(now, "Ready"), HasSubstr("True")) << "all the time";
      seen = Cluster::condition(now, "CanaryReady");
      return seen.starts_with(condition);
    });
  };
  image = "two";
  ASSERT_EQ(cluster.apply(service).status, 200);
  ASSERT_TRUE(becomes("Unknown: Progressing")) << seen;
  EXPECT_EQ(image_of("chat-kserve"), "one");
  EXPECT_EQ(image_of("chat-kserve-canary"), "two");
  ASSERT_TRUE(becomes("True: Promoted")) << seen;
  EXPECT_EQ(image_of("chat-kserve"), "two");
  EXPECT_TRUE(cluster.eventually(gone));
  EXPECT_TRUE(cluster.settle()) << "a promoted revision is written to";

  image = "broken";
  ASSERT_EQ(cluster.apply(service).status, 200);
  ASSERT_TRUE(becomes("False: RolledBack")) << seen;
  EXPECT_THAT(seen, HasSubstr("back-off 10s"));
  EXPECT_EQ(image_of("chat-kserve"), "two");
  EXPECT_TRUE(cluster.eventually(gone));
  EXPECT_TRUE(cluster.settle()) << "a revision that failed is tried again";
  EXPECT_TRUE(becomes("False: RolledBack")) << seen;
  const std::string events = cluster.api().get("/api/v1/namespaces/team/events").body.dump();
  EXPECT_THAT(events, HasSubstr("CanaryPromoted"));
  EXPECT_THAT(events, HasSubstr("CanaryRolledBack"));
}

TEST(ControllersAtAnApi, PrefillAndDecodeBecomeReady) {
  Cluster cluster;
  ASSERT_EQ(cluster.apply(example("e3-prefill-decode.yaml")).status, 201);
  EXPECT_EQ(cluster.when_true(kServing, kService, "chat", "Ready"), "True");
  const Json service = cluster.get(kServing, kService, "chat");
  EXPECT_EQ(text_at(service, {"spec", "model", "name"}), "chat") << "filled in by admission";
  EXPECT_EQ(number_at(service, {"status", "workloads", "prefill", "readyReplicas"}), 2);
  EXPECT_THAT(Cluster::condition(service, "PrefillWorkloadReady"), HasSubstr("True"));
  EXPECT_TRUE(cluster.settle());
}

TEST(ControllersAtAnApi, WhatTheApiRefusesStandsInTheStatus) {
  Cluster cluster;  // without the CRD of LeaderWorkerSets
  ASSERT_EQ(cluster.apply(example("e4-data-parallel.yaml")).status, 201);
  std::string seen;
  EXPECT_TRUE(cluster.eventually([&] {
    seen = Cluster::condition(cluster.get(kServing, kService, "chat"), "WorkerWorkloadReady");
    return seen.starts_with("False: ReconcileMultiNodeWorkloadError");
  })) << seen;
  EXPECT_THAT(seen, HasSubstr("LeaderWorkerSet chat-kserve-mn"));
}

TEST(ControllersAtAnApi, CausesInPodsReachTheService) {
  Cluster cluster;
  Json service = example("e2-no-scheduler.yaml");
  service["spec"]["template"]["containers"][0]["image"] = "broken";
  ASSERT_EQ(cluster.apply(service).status, 201);
  std::string seen;
  EXPECT_TRUE(cluster.eventually([&] {
    seen = Cluster::condition(cluster.get(kServing, kService, "chat"), "MainWorkloadReady");
    return seen.starts_with("False: CrashLoopBackOff");
  })) << seen;
}

TEST(ControllersAtAnApi, AServiceOfTheOtherGroup) {
  Cluster cluster;
  const ApiReply applied = cluster.apply(yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: llama, namespace: team}
spec:
  model: {id: meta-llama/Llama-3.1-8B}
  engine: {type: vllm, args: ["--max-model-len=4096"]}
  resources: {limits: {nvidia.com/gpu: 1}, vram: 40Gi}
  replicas: 3
)"));
  ASSERT_EQ(applied.status, 201) << applied.text;
  const char* api = "inference.llm-d.ai/v1alpha1";
  EXPECT_EQ(cluster.when_true(api, kService, "llama", "Ready"), "True");
  EXPECT_EQ(number_at(cluster.get("apps/v1", "Deployment", "llama-kserve"), {"spec", "replicas"}),
            3);
  // A pool of two GPUs takes one replica back.
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferencePool
metadata: {name: shared, namespace: team}
spec: {services: [{name: llama, weight: 60}], resourcePolicy: {gpuBudget: "2"}}
)"))
                .status,
            201);
  EXPECT_TRUE(cluster.eventually([&] {
    return number_at(cluster.get("apps/v1", "Deployment", "llama-kserve"), {"spec", "replicas"}) ==
           2;
  }));
  EXPECT_TRUE(cluster.settle());
  const Json pool = cluster.get(api, "LLMInferencePool", "shared");
  EXPECT_THAT(Cluster::condition(pool, "BudgetSatisfied"), HasSubstr("llama wants 1 more"));
  EXPECT_EQ(number_at(pool, {"status", "gpusAllocated"}), 2);
}

// Over TLS with the token of the kubeconfig, as at any API server.
TEST(ControllersAtAnApi, AnApiServerOverHttpsIsTheSameToThem) {
  Cluster cluster({.door = kube::testing::ApiFixture::Door::kHttps});
  ASSERT_EQ(cluster.apply(example("e1-single-node.yaml")).status, 201);
  ASSERT_EQ(cluster.apply(yaml(kWeb)).status, 201);
  ASSERT_EQ(cluster.apply(yaml(kWebService)).status, 201);
  EXPECT_EQ(cluster.when_true(kServing, kService, "chat", "Ready"), "True");
  EXPECT_EQ(cluster.when_true("apps/v1", "Deployment", "web", "Available"), "True");
  EXPECT_TRUE(cluster.eventually([&] { return num_endpoints(cluster, "web") == 2; }));
  EXPECT_TRUE(cluster.settle()) << "somebody always writes";
  EXPECT_EQ(cluster.api()
                .remove("/apis/serving.kserve.io/v1alpha2/namespaces/team/"
                        "llminferenceservices/chat")
                .status,
            200);
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.get(kServing, kService, "chat").is_null() &&
           cluster.get("apps/v1", "Deployment", "chat-kserve").is_null();
  }));
}

TEST(ControllersAtAnApi, AnUnknownNameIsNoController) {
  kube::testing::ApiFixture api;
  auto transport =
      std::make_shared<kube::LocalTransport>(api.runtime().loop(1), api.server().handler());
  kube::Client client(transport);
  ControllersOptions options;
  options.which = {"deployment", "statefulsets"};
  const auto made = Controllers::create(client, options);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message(), HasSubstr("statefulsets"));
}

}  // namespace
}  // namespace nacelle::control
