// StatefulSets, Jobs, autoscalers, claims and budgets at a real API server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "control/kube/metric_api.h"
#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::number_at;
using kube::text_at;
using testing::Cluster;
using ::testing::HasSubstr;

Json yaml(const std::string& text) { return *kube::json_of_yaml(text); }

Json web_deployment(int replicas, const Json& resources = Json::object()) {
  Json out = yaml(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: one}]}
)");
  out["spec"]["replicas"] = replicas;
  if (!resources.empty()) {
    out["spec"]["template"]["spec"]["containers"][0]["resources"] = resources;
  }
  return out;
}

std::size_t count(Cluster& cluster, const std::string& path) {
  return kube::list_at(cluster.api().get(path).body, {"items"}).size();
}

constexpr const char* kPods = "/api/v1/namespaces/team/pods";
constexpr const char* kClaims = "/api/v1/namespaces/team/persistentvolumeclaims";
constexpr const char* kVolumes = "/api/v1/persistentvolumes";

TEST(WorkloadsAtAnApi, AStatefulSetWithItsClaims) {
  Cluster cluster;
  Json set = yaml(R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: team}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: one, volumeMounts: [{name: data, mountPath: /d}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      storageClassName: local-path-shared
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
)");
  const auto applied = cluster.apply(set);
  ASSERT_EQ(applied.status, 201) << applied.text;
  ASSERT_TRUE(cluster.eventually([&] {
    return number_at(cluster.get("apps/v1", "StatefulSet", "db"), {"status", "readyReplicas"}) == 2;
  })) << cluster.get("apps/v1", "StatefulSet", "db").dump(1);
  ASSERT_TRUE(cluster.eventually([&] {
    const Json claim = cluster.get("v1", "PersistentVolumeClaim", "data-db-1");
    return text_at(claim, {"status", "phase"}) == "Bound";
  })) << cluster.get("v1", "PersistentVolumeClaim", "data-db-1").dump(1);
  const std::string volume(
      text_at(cluster.get("v1", "PersistentVolumeClaim", "data-db-1"), {"spec", "volumeName"}));
  const Json stored = cluster.get("v1", "PersistentVolume", volume, "");
  const std::filesystem::path folder(std::string(text_at(stored, {"spec", "hostPath", "path"})));
  EXPECT_THAT(folder.string(), HasSubstr("_team_data-db-1"));
  // What a pod would have written.
  std::filesystem::create_directories(folder / "deep");
  std::ofstream(folder / "deep" / "file") << "x";

  const std::string before(
      text_at(cluster.get("apps/v1", "StatefulSet", "db"), {"status", "updateRevision"}));
  set["spec"]["template"]["spec"]["containers"][0]["image"] = "two";
  EXPECT_EQ(cluster.apply(set).status, 200);
  ASSERT_TRUE(cluster.eventually([&] {
    const Json now = cluster.get("apps/v1", "StatefulSet", "db");
    return text_at(now, {"status", "updateRevision"}) != before &&
           number_at(now, {"status", "updatedReplicas"}) == 2 &&
           text_at(now, {"status", "currentRevision"}) ==
               text_at(now, {"status", "updateRevision"});
  }));
  EXPECT_EQ(count(cluster, "/apis/apps/v1/namespaces/team/controllerrevisions"), 2U);
  EXPECT_TRUE(cluster.settle()) << "somebody always writes";

  set["spec"]["replicas"] = 1;
  EXPECT_EQ(cluster.apply(set).status, 200);
  EXPECT_TRUE(cluster.eventually([&] {
    return count(cluster, kClaims) == 1 && count(cluster, kVolumes) == 1 &&
           !std::filesystem::exists(folder);
  })) << "the second one's claim, volume and folder go";
  cluster.api().remove("/apis/apps/v1/namespaces/team/statefulsets/db");
  EXPECT_TRUE(cluster.eventually([&] {
    return count(cluster, kPods) == 0 && count(cluster, kClaims) == 0 &&
           count(cluster, kVolumes) == 0;
  }));
}

TEST(WorkloadsAtAnApi, AJobIsDoneAndGoes) {
  Cluster cluster;
  const Json job = yaml(R"(
apiVersion: batch/v1
kind: Job
metadata: {name: work, namespace: team}
spec:
  completions: 3
  parallelism: 2
  completionMode: Indexed
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: done}]}}
)");
  const auto applied = cluster.apply(job);
  ASSERT_EQ(applied.status, 201) << applied.text;
  EXPECT_EQ(cluster.when_true("batch/v1", "Job", "work", "Complete"), "True");
  const Json done = cluster.get("batch/v1", "Job", "work");
  EXPECT_EQ(number_at(done, {"status", "succeeded"}), 3);
  EXPECT_EQ(text_at(done, {"status", "completedIndexes"}), "0-2");
  EXPECT_EQ(count(cluster, kPods), 3U);
  EXPECT_TRUE(cluster.settle());
  cluster.api().remove("/apis/batch/v1/namespaces/team/jobs/work");
  EXPECT_TRUE(cluster.eventually([&] { return count(cluster, kPods) == 0; }))
      << "nobody keeps its pods: " << cluster.api().get(kPods).text;
}

TEST(WorkloadsAtAnApi, AJobDeletedInTheMiddleLeavesNothing) {
  Cluster cluster;
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: batch/v1
kind: Job
metadata: {name: long, namespace: team}
spec:
  parallelism: 2
  completions: 2
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: one}]}}
)"))
                .status,
            201);
  ASSERT_TRUE(cluster.eventually([&] { return count(cluster, kPods) == 2; }));
  cluster.api().remove("/apis/batch/v1/namespaces/team/jobs/long");
  EXPECT_TRUE(cluster.eventually([&] { return count(cluster, kPods) == 0; }))
      << cluster.api().get(kPods).text;
}

TEST(WorkloadsAtAnApi, ABudgetCounts) {
  Cluster cluster;
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: team}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
)"))
                .status,
            201);
  ASSERT_EQ(cluster.apply(web_deployment(3)).status, 201);
  EXPECT_TRUE(cluster.eventually([&] {
    const Json budget = cluster.get("policy/v1", "PodDisruptionBudget", "web");
    return number_at(budget, {"status", "disruptionsAllowed"}) == 1 &&
           number_at(budget, {"status", "expectedPods"}) == 3;
  })) << cluster.get("policy/v1", "PodDisruptionBudget", "web").dump(1);
  EXPECT_TRUE(cluster.settle());
}

TEST(WorkloadsAtAnApi, AnAutoscalerKeepsItsLimitsWithoutMetrics) {
  Cluster cluster;
  ASSERT_EQ(cluster.apply(web_deployment(1)).status, 201);
  const auto applied = cluster.apply(yaml(R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: team}
spec:
  minReplicas: 3
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
)"));
  ASSERT_EQ(applied.status, 201) << applied.text;
  EXPECT_TRUE(cluster.eventually([&] {
    return number_at(cluster.get("apps/v1", "Deployment", "web"), {"spec", "replicas"}) == 3;
  }));
  const Json autoscaler = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web");
  EXPECT_TRUE(cluster.eventually([&] {
    const Json now = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web");
    return number_at(now, {"status", "desiredReplicas"}) == 3;
  })) << autoscaler.dump(1);
}

// Every pod of a store uses the same memory.
class SameUsage final : public kube::ObjectSource {
 public:
  explicit SameUsage(std::string memory) : memory_(std::move(memory)) {}
  void watch(const kube::Store& store) { store_ = &store; }

  async::Task<Result<std::vector<Json>>> read(async::Loop&, std::string,
                                              std::string name_space) override {
    std::vector<Json> out;
    kube::ListQuery query;
    query.name_space = std::move(name_space);
    const auto pods = store_.load()->list("pods", query);
    if (!pods.ok()) co_return pods.error();
    for (const kube::ObjectPtr& pod : pods->items) {
      const Json container = {{"name", "main"}, {"usage", {{"memory", memory_}}}};
      out.push_back({{"metadata", pod->json["metadata"]},
                     {"window", "15s"},
                     {"containers", Json::array({container})}});
    }
    co_return out;
  }

 private:
  const std::string memory_;
  std::atomic<const kube::Store*> store_{nullptr};
};

TEST(WorkloadsAtAnApi, AnAutoscalerFollowsWhatPodsUse) {
  SameUsage usage("200Mi");
  Cluster cluster({.sources = {{"pods.metrics.k8s.io", &usage}}});
  usage.watch(cluster.api().server().store());
  ASSERT_EQ(cluster.apply(web_deployment(2, {{"requests", {{"memory", "250Mi"}}}})).status, 201);
  ASSERT_TRUE(cluster.eventually([&] {
    return number_at(cluster.get("apps/v1", "Deployment", "web"), {"status", "readyReplicas"}) == 2;
  }));
  ASSERT_EQ(cluster
                .apply(yaml(R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: team}
spec:
  minReplicas: 1
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 50}}}]
)"))
                .status,
            201);
  // 80 % where 50 % are wanted: 2 * 80 / 50.
  EXPECT_TRUE(cluster.eventually([&] {
    return number_at(cluster.get("apps/v1", "Deployment", "web"), {"spec", "replicas"}) == 4;
  })) << cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").dump(1);
  const auto is_told = [&] {
    const Json now = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web");
    const Json& metrics = kube::list_at(now, {"status", "currentMetrics"});
    return !metrics.empty() &&
           number_at(metrics[0], {"resource", "current", "averageUtilization"}) == 80;
  };
  EXPECT_TRUE(cluster.eventually(is_told))
      << cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").dump(1);
}

TEST(MetricApi, WhatItsListsSay) {
  const auto resource = resource_reading(yaml(R"(
items:
- metadata: {name: a}
  timestamp: "2026-01-01T00:00:00Z"
  window: 1m30s
  containers: [{name: x, usage: {cpu: 250m, memory: 1Gi}}, {name: y, usage: {cpu: "1"}}]
- metadata: {name: b}
  containers: [{name: x, usage: {memory: 1Gi}}]
)"),
                                         "cpu", "");
  ASSERT_EQ(resource.pods.size(), 1U) << "a pod without a value is none of zero";
  EXPECT_EQ(resource.pods.at("a").value, 1250);
  EXPECT_EQ(resource.pods.at("a").window, 90);
  const auto custom = custom_reading(yaml(R"(
items: [{describedObject: {name: a}, value: "3500m", windowSeconds: 30}, {value: nonsense}]
)"));
  EXPECT_EQ(custom.pods.at("a").value, 3500);
  EXPECT_EQ(custom.value, 3500);
  EXPECT_EQ(external_reading(yaml("items: [{value: '3'}, {value: '4'}]")).value, 7000);
  EXPECT_NE(external_reading(yaml("items: []")).error, "");
}

}  // namespace
}  // namespace nacelle::control
