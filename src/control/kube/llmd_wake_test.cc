// A service at zero whose load is told of: through the controllers.
#include <gtest/gtest.h>

#include <atomic>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using testing::Cluster;

TEST(LlmdWake, AServiceAtZeroIsLookedAtWhenItIsToldOf) {
  std::atomic<std::int64_t> held{0};
  LlmdOptions options;
  options.evaluation_period = std::chrono::hours(1);  // it is not found out by looking again
  options.load = [&held](const kube::ObjectKey&) {
    llmd::LoadSample out;
    out.held = held;
    out.queued = static_cast<double>(held);
    return out;
  };
  Cluster cluster({}, options);
  ASSERT_EQ(cluster
                .apply(*kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: sleeper, namespace: team}
spec:
  model: {id: sleeper, source: {uri: "hf://org/sleeper"}}
  replicas: 0
  autoscaling:
    minReplicas: 0
    maxReplicas: 1
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 8}}]
)"))
                .status,
            201);
  const auto replicas = [&] {
    return kube::number_at(cluster.get("apps/v1", "Deployment", "sleeper-kserve"),
                           {"spec", "replicas"})
        .value_or(-1);
  };
  ASSERT_TRUE(cluster.eventually([&] { return replicas() == 0; }));
  ASSERT_TRUE(cluster.settle());

  held = 1;
  cluster.look_at_load({"team", "sleeper"});
  EXPECT_TRUE(cluster.eventually([&] { return replicas() == 1; }));
}

// Looking again costs little while there is nothing to think over, and sees what comes all the
// same.
TEST(LlmdWake, AServiceAtRestSeesLoadThatNobodyTellsOf) {
  std::atomic<std::int64_t> held{0}, looks{0};
  LlmdOptions options;
  options.evaluation_period = std::chrono::seconds(1);
  options.load = [&](const kube::ObjectKey&) {
    ++looks;
    llmd::LoadSample out;
    out.held = held;
    out.queued = static_cast<double>(held);
    return out;
  };
  Cluster cluster({}, options);
  const auto service = [](int most) {
    return *kube::json_of_yaml(fmt::format(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {{name: sleeper, namespace: team}}
spec:
  model: {{id: sleeper, source: {{uri: "hf://org/sleeper"}}}}
  replicas: 0
  autoscaling:
    minReplicas: 0
    maxReplicas: {}
    metrics: [{{type: RequestQueue, requestQueue: {{targetAverageQueueDepth: 1}}}}]
)",
                                           most));
  };
  ASSERT_EQ(cluster.apply(service(1)).status, 201);
  const auto replicas = [&] {
    return kube::number_at(cluster.get("apps/v1", "Deployment", "sleeper-kserve"),
                           {"spec", "replicas"})
        .value_or(-1);
  };
  ASSERT_TRUE(cluster.eventually([&] { return replicas() == 0; }));
  ASSERT_TRUE(cluster.settle());
  const std::int64_t before = looks;
  ASSERT_TRUE(cluster.eventually([&] { return looks >= before + 3; }));
  EXPECT_EQ(replicas(), 0);
  held = 4;
  ASSERT_TRUE(cluster.eventually([&] { return replicas() == 1; }));
}

}  // namespace
}  // namespace nacelle::control
