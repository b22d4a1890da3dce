// Evictions and the budgets that bound them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using testing::ApiReply;
using ::testing::HasSubstr;

const std::string kPods = "/api/v1/namespaces/default/pods";
const std::string kBudgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

class Evictions : public ::testing::Test {
 protected:
  void add_pod(const std::string& name, const char* phase = "Running") {
    const Json container = {{"name", "c"}, {"image", "i"}};
    const Json pod = {{"metadata", {{"name", name}, {"labels", {{"app", "web"}}}}},
                      {"spec", {{"nodeName", "n"}, {"containers", Json::array({container})}}}};
    ASSERT_EQ(api_.post(kPods, pod).status, 201);
    ASSERT_EQ(api_.patch(kPods + "/" + name + "/status", {{"status", {{"phase", phase}}}}).status,
              200);
  }
  // As its controller would say.
  void allow(std::int64_t disruptions) {
    const Json generation = api_.get(kBudgets + "/web").body["metadata"]["generation"];
    const Json status = {{"disruptionsAllowed", disruptions},
                         {"desiredHealthy", 2},
                         {"currentHealthy", 2 + disruptions},
                         {"observedGeneration", generation}};
    ASSERT_EQ(api_.patch(kBudgets + "/web/status", {{"status", status}}).status, 200);
  }
  void add_budget(const Json& selector) {
    const Json budget = {{"metadata", {{"name", "web"}}},
                         {"spec", {{"minAvailable", 2}, {"selector", selector}}}};
    ASSERT_EQ(api_.post(kBudgets, budget).status, 201);
  }
  ApiReply evict(const std::string& name, const std::string& query = "") {
    const Json eviction = {{"apiVersion", "policy/v1"},
                           {"kind", "Eviction"},
                           {"metadata", {{"name", name}, {"namespace", "default"}}}};
    return api_.post(kPods + "/" + name + "/eviction" + query, eviction);
  }
  bool is_going(const std::string& name) {
    return is_being_deleted(api_.get(kPods + "/" + name).body);
  }
  Json status() { return api_.get(kBudgets + "/web").body["status"]; }

  ApiFixture api_;
};

TEST_F(Evictions, TheBudgetPaysForEachPod) {
  for (const char* name : {"a", "b", "c"}) add_pod(name);
  add_budget({{"matchLabels", {{"app", "web"}}}});
  const ApiReply early = evict("a");
  EXPECT_EQ(early.status, 429);
  EXPECT_THAT(early.text, HasSubstr("still being processed"));
  allow(1);
  EXPECT_EQ(evict("a", "?dryRun=All").status, 201);
  EXPECT_EQ(status()["disruptionsAllowed"], 1);
  EXPECT_EQ(evict("a").status, 201);
  EXPECT_TRUE(is_going("a"));
  EXPECT_EQ(status()["disruptionsAllowed"], 0);
  EXPECT_TRUE(status()["disruptedPods"].contains("a"));
  EXPECT_EQ(status()["conditions"][0]["reason"], "InsufficientPods");
  const ApiReply refused = evict("b");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body["details"]["causes"][0]["message"],
            "The disruption budget web needs 2 healthy pods and has 3 currently");
  EXPECT_FALSE(is_going("b"));
  // Once more costs nothing, nor does a pod that serves nobody or is nobody's concern.
  EXPECT_EQ(evict("a").status, 201);
  add_pod("done", "Succeeded");
  EXPECT_EQ(evict("done").status, 201);
  EXPECT_EQ(status()["disruptionsAllowed"], 0);
  EXPECT_EQ(evict("nobody").status, 404);
}

TEST_F(Evictions, OfTwoAtOnceOneIsRefused) {
  add_budget({{"matchLabels", {{"app", "web"}}}});
  for (int round = 0; round < 10; ++round) {
    const std::string one = fmt::format("one-{}", round), two = fmt::format("two-{}", round);
    add_pod(one);
    add_pod(two);
    allow(1);
    auto first = std::async(std::launch::async, [&] { return evict(one).status; });
    auto second = std::async(std::launch::async, [&] { return evict(two).status; });
    EXPECT_EQ(std::multiset<int>({first.get(), second.get()}), (std::multiset<int>{201, 429}));
    EXPECT_NE(is_going(one), is_going(two));
  }
}

TEST_F(Evictions, ABudgetChoosesByExpressionsToo) {
  add_pod("a");
  add_budget({{"matchExpressions",
               Json::array({{{"key", "app"}, {"operator", "In"}, {"values", {"web", "api"}}}})}});
  allow(0);
  EXPECT_EQ(evict("a").status, 429);
  ASSERT_EQ(api_.remove(kBudgets + "/web").status, 200);
  add_budget(Json::object());  // every pod
  allow(0);
  EXPECT_EQ(evict("a").status, 429);
  ASSERT_EQ(api_.remove(kBudgets + "/web").status, 200);
  EXPECT_EQ(evict("a").status, 201);
}

}  // namespace
}  // namespace nacelle::kube
