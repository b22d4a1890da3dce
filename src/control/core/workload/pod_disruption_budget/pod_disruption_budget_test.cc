#include "control/core/workload/pod_disruption_budget/pod_disruption_budget.h"

#include <gtest/gtest.h>

#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Json J(std::string_view text) { return Json::parse(text); }

// A Deployment of `replicas` with pods of which `ready` are.
DisruptionObserved fleet(const char* spec, int replicas, int pods, int ready) {
  DisruptionObserved out;
  out.now = kNow;
  out.budget = J(R"({"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{
    "name":"b","namespace":"n","generation":3},"spec":{"selector":{"matchLabels":{"a":"b"}}}})");
  out.budget["spec"].merge_patch(J(spec));
  out.controllers.push_back({{"metadata", {{"uid", "d"}}}, {"spec", {{"replicas", replicas}}}});
  out.controllers.push_back(J(R"({"metadata":{"uid":"r","ownerReferences":[{"uid":"d",
    "controller":true}]},"spec":{"replicas":1}})"));
  for (int i = 0; i < pods; ++i) {
    Json pod = J(R"({"metadata":{"labels":{"a":"b"},"ownerReferences":[{"uid":"r",
      "controller":true}]},"status":{"phase":"Running","conditions":[{"type":"Ready"}]}})");
    pod["metadata"]["name"] = "p" + std::to_string(i);
    pod["status"]["conditions"][0]["status"] = i < ready ? "True" : "False";
    out.pods.push_back(pod);
  }
  return out;
}

Json status_of(const DisruptionObserved& observed) {
  const Decision decision = decide_disruption_budget(observed);
  return decision.actions.empty() ? observed.budget["status"]
                                  : std::get<UpdateStatus>(decision.actions[0]).object["status"];
}

TEST(DisruptionBudgets, Allowed) {
  struct Row {
    const char* says;
    const char* spec;
    int replicas, pods, ready, allowed, desired;
  };
  const Row rows[] = {
      {"two of three must stay", R"({"minAvailable":2})", 3, 3, 3, 1, 2},
      {"one is away already", R"({"minAvailable":2})", 3, 3, 2, 0, 2},
      {"fewer than wanted is no less than none", R"({"minAvailable":2})", 3, 3, 1, 0, 2},
      {"a percentage is of what the Deployment wants", R"({"minAvailable":"50%"})", 5, 4, 4, 1, 3},
      {"one may be away", R"({"maxUnavailable":1})", 4, 4, 4, 1, 3},
      {"also while one is missing", R"({"maxUnavailable":1})", 4, 3, 3, 0, 3},
      {"a quarter rounds up", R"({"maxUnavailable":"25%"})", 5, 5, 5, 2, 3},
      {"none may be away", R"({"maxUnavailable":0})", 2, 2, 2, 0, 2},
      {"no pods, nothing to evict", R"({"maxUnavailable":1})", 3, 0, 0, 0, 0},
      {"more away than there are", R"({"maxUnavailable":9})", 3, 3, 3, 3, 0},
  };
  for (const Row& row : rows) {
    const Json status = status_of(fleet(row.spec, row.replicas, row.pods, row.ready));
    EXPECT_EQ(status["disruptionsAllowed"], row.allowed) << row.says;
    EXPECT_EQ(status["desiredHealthy"], row.desired) << row.says;
    EXPECT_EQ(status["currentHealthy"], row.ready) << row.says;
    EXPECT_EQ(status["conditions"][0]["reason"],
              row.allowed > 0 ? "SufficientPods" : "InsufficientPods");
  }
}

TEST(DisruptionBudgets, ASettledOneWritesNothing) {
  auto observed = fleet(R"({"minAvailable":1})", 2, 2, 2);
  observed.budget["status"] = status_of(observed);
  observed.now += 1000;
  EXPECT_TRUE(decide_disruption_budget(observed).actions.empty());
  EXPECT_EQ(observed.budget["status"]["observedGeneration"], 3);
}

TEST(DisruptionBudgets, GrantedEvictionsCountUntilTheyHappen) {
  auto observed = fleet(R"({"minAvailable":1})", 3, 3, 3);
  observed.budget["status"]["disruptedPods"] = {{"p0", kube::timestamp(kNow - 20)},
                                                {"gone", kube::timestamp(kNow)}};
  EXPECT_EQ(status_of(observed)["disruptionsAllowed"], 1);
  EXPECT_EQ(status_of(observed)["disruptedPods"].size(), 1U);
  EXPECT_EQ(decide_disruption_budget(observed).look_again_in, std::chrono::seconds(100));
  observed.now += 100;
  EXPECT_EQ(status_of(observed)["disruptionsAllowed"], 2) << "nobody deleted it";
  EXPECT_FALSE(status_of(observed).contains("disruptedPods"));
}

TEST(DisruptionBudgets, AnEmptySelectorIsEveryPodAndNoneIsNone) {
  auto observed = fleet(R"({"minAvailable":1})", 3, 3, 3);
  observed.budget["spec"]["selector"] = Json::object();
  observed.pods[0]["metadata"]["labels"] = Json::object();
  EXPECT_EQ(status_of(observed)["expectedPods"], 3);
  observed.budget["spec"].erase("selector");
  EXPECT_EQ(status_of(observed)["expectedPods"], 0);
}

}  // namespace
}  // namespace nacelle::control::workload
