// Pressure, evictions and their pace in the status of a pool.
#include <gtest/gtest.h>

#include "control/core/llmd/pool_status.h"
#include "control/core/llmd/service.h"
#include "kube/time.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::int64_t kNow = 1'767'225'600;

// Two services in a pool of four GPUs that gives to the higher priority; pods follow at once.
struct Story {
  Json pool = *kube::json_of_yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferencePool
metadata: {name: p, namespace: team, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  services: [{name: a, weight: 60, priority: high}, {name: b, weight: 40}]
  resourcePolicy: {gpuBudget: "4", evictionPolicy: LowPriority}
)");
  std::int64_t now = kNow;
  std::map<std::string, std::int64_t> demand = {{"a", 2}, {"b", 4}};
  std::map<std::string, std::int64_t> pods;
  std::map<std::string, std::int64_t> ending;
  std::optional<std::int64_t> queued_since;  // of a
  std::vector<std::string> events;
  std::optional<std::chrono::seconds> look_again_in;

  Json service(const std::string& name) const {
    Json out = {{"metadata", {{"name", name}, {"namespace", "team"}}},
                {"spec",
                 {{"model", {{"id", name}}},
                  {"replicas", 1},
                  {"autoscaling", {{"minReplicas", 1}, {"maxReplicas", 4}}}}},
                {"status", {{"demand", demand.at(name)}}}};
    if (name == "a" && queued_since) {
      out["status"]["conditions"] =
          Json::array({{{"type", "QueueAboveTarget"},
                        {"status", "True"},
                        {"lastTransitionTime", kube::timestamp(*queued_since)}}});
    }
    return out;
  }
  void add_pods(PoolObserved& to, const std::string& name, std::int64_t count, bool going) const {
    for (std::int64_t i = 0; i < count; ++i) {
      Json pod = {
          {"metadata",
           {{"name", name},
            {"labels", {{"app.kubernetes.io/name", name}, {"kserve.io/component", "workload"}}}}},
          {"status",
           {{"phase", "Running"},
            {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
      if (going) pod["metadata"]["deletionTimestamp"] = kube::timestamp(now);
      to.pods.push_back(std::move(pod));
    }
  }
  void decide() {
    PoolObserved observed{.services = {service("a"), service("b")}, .pools = {pool}, .now_s = now};
    for (const char* name : {"a", "b"}) {
      add_pods(observed, name, pods[name], false);
      add_pods(observed, name, ending[name], true);
    }
    const Decision decision = decide_pool(pool, observed);
    look_again_in = decision.look_again_in;
    for (const Action& action : decision.actions) {
      if (const auto* status = std::get_if<UpdateStatus>(&action)) pool = status->object;
      if (const auto* event = std::get_if<RecordEvent>(&action)) events.push_back(event->message);
    }
  }
  // Pods follow what is granted; those that go are gone when `drained`.
  void follow(bool drained = true) {
    for (const char* name : {"a", "b"}) {
      const std::int64_t goes = std::max<std::int64_t>(0, pods[name] - share(name));
      ending[name] = drained ? 0 : ending[name] + goes;
      pods[name] = share(name);
    }
  }
  void settle() {
    for (int i = 0; i < 6; ++i) {
      decide();
      follow();
    }
  }
  const Json& entry(const std::string& name) const {
    return pool["status"]["services"][name == "a" ? 0 : 1];
  }
  std::int64_t share(const std::string& name) const {
    return number_at(entry(name), {"allocated"}).value_or(-1);
  }
  std::string shares() const {
    return std::to_string(share("a")) + "/" + std::to_string(share("b"));
  }
  std::string budget_reason() const {
    for (const Json& condition : pool["status"]["conditions"]) {
      if (text_at(condition, {"type"}) == "BudgetSatisfied") return condition.value("reason", "");
    }
    return "";
  }
};

// b gave a replica to a; then a's queue is short again, and a wants less than it is entitled to.
Story after_an_eviction() {
  Story story;
  story.settle();
  story.demand["a"] = 4;
  story.queued_since = story.now - 10;
  story.settle();
  EXPECT_EQ(story.shares(), "3/1");
  story.queued_since.reset();
  story.demand["a"] = 1;
  return story;
}

TEST(PoolPressure, AQueueOfTenSecondsEvicts) {
  Story story;
  story.settle();
  EXPECT_EQ(story.shares(), "2/2");
  story.demand["a"] = 4;
  story.queued_since = story.now;
  story.settle();
  EXPECT_EQ(story.shares(), "2/2") << "nobody is evicted for a moment's queue";
  EXPECT_EQ(story.look_again_in, std::chrono::seconds(10));
  story.now += 9;
  story.settle();
  EXPECT_EQ(story.shares(), "2/2");
  story.now += 1;
  story.decide();
  EXPECT_EQ(story.shares(), "2/1") << "a waits for the GPU";
  EXPECT_EQ(story.events, std::vector<std::string>{"b gives 1 replica(s) to a higher priority"});
  EXPECT_EQ(number_at(story.entry("b"), {"evictionsTotal"}), 1);
  EXPECT_EQ(text_at(story.entry("b"), {"lastEvictionTime"}), kube::timestamp(story.now));
  story.follow(false);
  story.now += 1;
  story.decide();
  EXPECT_EQ(story.shares(), "2/1") << "b's replica still ends";
  EXPECT_EQ(story.budget_reason(), "DemandAboveBudget");
  story.settle();
  EXPECT_EQ(story.shares(), "3/1");
  EXPECT_EQ(number_at(story.entry("b"), {"evictionsTotal"}), 1) << "counted once";
  EXPECT_EQ(story.events.size(), 1U);
}

TEST(PoolPressure, TheEvictedTakesNothingBackForAMinute) {
  Story story = after_an_eviction();
  story.now += 59;
  story.settle();
  EXPECT_EQ(story.shares(), "1/1");
  EXPECT_EQ(story.look_again_in, std::chrono::seconds(1));
  story.now += 1;
  story.settle();
  EXPECT_EQ(story.shares(), "1/3");
}

TEST(PoolPressure, OneBatchInFifteenSeconds) {
  Story story;
  story.pool["spec"]["services"][1]["priority"] = "low";
  story.pool["spec"]["services"][0]["weight"] = 0;
  story.demand["a"] = 0;
  story.settle();
  ASSERT_EQ(story.shares(), "0/4");
  story.demand["a"] = 1;
  story.queued_since = story.now - 10;
  story.settle();
  ASSERT_EQ(story.shares(), "1/3");
  story.demand["a"] = 2;
  story.now += 14;
  story.settle();
  EXPECT_EQ(story.shares(), "1/3");
  EXPECT_EQ(story.look_again_in, std::chrono::seconds(1));
  story.now += 1;
  story.settle();
  EXPECT_EQ(story.shares(), "2/2");
  EXPECT_EQ(number_at(story.entry("b"), {"evictionsTotal"}), 2);
}

TEST(PoolPressure, AClockThatGoesBackHoldsNobodyForAnHour) {
  Story story = after_an_eviction();
  story.now -= 3600;
  story.settle();
  EXPECT_EQ(story.shares(), "1/3");
  EXPECT_EQ(number_at(story.entry("b"), {"evictionsTotal"}), 1);
}

TEST(PoolPressure, FiguresForMetrics) {
  Story story;
  story.settle();
  Json two = story.service("b");
  two["spec"]["resources"]["limits"]["nvidia.com/gpu"] = 2;
  const PoolFigures figures = figures_of(story.pool, {story.service("a"), two});
  EXPECT_EQ(figures, (PoolFigures{.budget = 4, .services = {{"a", 2, 2, 0}, {"b", 4, 2, 0}}}));
}

}  // namespace
}  // namespace nacelle::control::llmd
