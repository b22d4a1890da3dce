// A service at zero whose load is told of: through the controllers.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using testing::Cluster;

// A service at zero of a cluster whose load is what the test says.
struct Sleeper {
  explicit Sleeper(std::chrono::seconds evaluation_period) {
    options.evaluation_period = evaluation_period;
    options.load = [this](const kube::ObjectKey&) {
      ++looks;
      llmd::LoadSample out;
      out.held = held;
      out.queued = static_cast<double>(held);
      return out;
    };
    cluster.emplace(testing::ClusterOptions{.llmd = options});
    EXPECT_EQ(cluster
                  ->apply(*kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: sleeper, namespace: team}
spec:
  model: {id: sleeper, source: {uri: "hf://org/sleeper"}}
  replicas: 0
  autoscaling:
    minReplicas: 0
    maxReplicas: 1
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 1}}]
)"))
                  .status,
              201);
    EXPECT_TRUE(reaches(0));
    EXPECT_TRUE(cluster->settle());
  }
  bool reaches(std::int64_t wanted) {
    return cluster->eventually([&] {
      return kube::number_at(cluster->get("apps/v1", "Deployment", "sleeper-kserve"),
                             {"spec", "replicas"}) == wanted;
    });
  }

  std::atomic<std::int64_t> held{0}, looks{0};
  LlmdOptions options;
  std::optional<Cluster> cluster;
};

TEST(LlmdWake, AServiceAtZeroIsLookedAtWhenItIsToldOf) {
  Sleeper sleeper(std::chrono::hours(1));  // it is not found out by looking again
  sleeper.held = 1;
  sleeper.cluster->look_at_load({"team", "sleeper"});
  EXPECT_TRUE(sleeper.reaches(1));
}

// Looking again costs little while there is nothing to think over, and sees what comes all the
// same.
TEST(LlmdWake, AServiceAtRestSeesLoadThatNobodyTellsOf) {
  Sleeper sleeper(std::chrono::seconds(1));
  const std::int64_t before = sleeper.looks;
  ASSERT_TRUE(sleeper.cluster->eventually([&] { return sleeper.looks >= before + 3; }));
  EXPECT_TRUE(sleeper.reaches(0));
  sleeper.held = 4;
  EXPECT_TRUE(sleeper.reaches(1));
}

}  // namespace
}  // namespace nacelle::control
