// StatefulSets: the same end from any interleaving and crash, and what each policy promises on the
// way.
#include "control/core/workload/stateful_set/stateful_set.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "control/core/workload/pod_state.h"
#include "control/core/workload/stateful_set/identity.h"
#include "control/core/workload/testing/world.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;
using testing::World;

Json J(std::string_view text) { return Json::parse(text); }

std::vector<World::Decider> deciders(World& world) {
  std::vector<World::Decider> out;
  for (const Json& set : world.of("StatefulSet")) {
    out.push_back([&world, name = kube::key_of(set).name] {
      const Json* object = world.find("StatefulSet", name);
      return object != nullptr
                 ? decide_stateful_set({*object, world.of("Pod"), world.of("PersistentVolumeClaim"),
                                        world.of("ControllerRevision"), world.now})
                 : Decision{};
    });
  }
  return out;
}

std::string image_of(const Json& pod) { return pod["spec"]["containers"][0]["image"]; }

void run_nodes(World& world) {
  world.finish_deletions();
  for (const Json& seen : world.of("Pod")) {
    const bool works = image_of(seen) != "broken";
    if (kube::is_being_deleted(seen) || (is_serving(seen) == works && seen.contains("status"))) {
      continue;
    }
    world.edit("Pod", kube::key_of(seen).name, [&](Json& pod) {
      pod["status"]["phase"] = works ? "Running" : "Pending";
      pod["status"]["conditions"] =
          Json::array({{{"type", "Ready"},
                        {"status", works ? "True" : "False"},
                        {"lastTransitionTime", kube::timestamp(world.now)}}});
    });
  }
}

Json web(int replicas, const char* image = "one", const char* more = "{}") {
  Json out = J(R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web"},"spec":{
    "serviceName":"web","selector":{"matchLabels":{"app":"web"}},"revisionHistoryLimit":1,
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c"}],
      "volumes":[{"name":"data","emptyDir":{}},{"name":"tmp","emptyDir":{}}]}},
    "volumeClaimTemplates":[{"metadata":{"name":"data"},
      "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}})");
  out["spec"]["replicas"] = replicas;
  out["spec"]["template"]["spec"]["containers"][0]["image"] = image;
  out["spec"].merge_patch(J(more));
  return out;
}

void set_image(World& world, const char* image) {
  world.edit("StatefulSet", "web",
             [&](Json& set) { set["spec"]["template"]["spec"]["containers"][0]["image"] = image; });
}
void set_spec(World& world, const char* patch) {
  world.edit("StatefulSet", "web", [&](Json& set) { set["spec"].merge_patch(J(patch)); });
}

std::map<std::string, std::string> images(const World& world) {
  std::map<std::string, std::string> out;
  for (const Json& pod : world.of("Pod")) out[kube::key_of(pod).name] = image_of(pod);
  return out;
}
std::set<std::string> names(const World& world, const char* kind) {
  std::set<std::string> out;
  for (const Json& object : world.of(kind)) out.insert(kube::key_of(object).name);
  return out;
}
Json status(World& world, const char* field) {
  return (*world.find("StatefulSet", "web"))["status"].value(field, Json());
}
// One decision carried out and one moment of the nodes.
void step(World& world) {
  for (const auto& decide : deciders(world)) {
    for (const Action& action : decide().actions) (void)world.carry_out(action);
  }
}

TEST(StatefulSets, TheSameEndFromAnyInterleavingAndCrash) {
  for (std::uint32_t seed = 0; seed < 120; ++seed) {
    std::mt19937 random(seed);
    const int replicas = 1 + static_cast<int>(random() % 4);  // none would roll out anything
    const int then = static_cast<int>(random() % 5);
    const int partition = static_cast<int>(random() % 4);
    const bool parallel = random() % 2 == 0;
    const bool deletes = random() % 2 == 0;
    World world(deciders, run_nodes);
    Json set = web(replicas);
    if (parallel) set["spec"]["podManagementPolicy"] = "Parallel";
    if (deletes) {
      set["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenScaled", "Delete"},
                                                             {"whenDeleted", "Delete"}};
    }
    world.add(set);
    world.stumble(random, 40);
    // Mended below. What is held back by a partition is of the revision that was rolled out before.
    if (random() % 3 == 0) {
      ASSERT_TRUE(world.settle()) << "seed " << seed << world.text();
      set_image(world, "broken");
    }
    world.stumble(random, 30);
    if (random() % 2 == 0) {
      ASSERT_TRUE(world.settle()) << "seed " << seed << world.text();
    }
    world.edit("StatefulSet", "web", [&](Json& changed) {
      changed["spec"]["replicas"] = then;
      changed["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = partition;
      changed["spec"]["template"]["spec"]["containers"][0]["image"] = "two";
    });
    world.stumble(random, 60);
    ASSERT_TRUE(world.settle()) << "seed " << seed << world.text();

    std::set<std::string> pods;
    std::set<std::string> claims;
    for (int i = 0; i < then; ++i) {
      const std::string name = "web-" + std::to_string(i);
      pods.insert(name);
      claims.insert("data-" + name);
      if (i >= partition) {
        EXPECT_EQ(images(world)[name], "two") << "seed " << seed;
      }
    }
    ASSERT_EQ(names(world, "Pod"), pods) << "seed " << seed << world.text();
    if (deletes) {
      EXPECT_EQ(names(world, "PersistentVolumeClaim"), claims) << "seed " << seed;
    }
    for (const std::string& claim : claims) {
      EXPECT_TRUE(names(world, "PersistentVolumeClaim").contains(claim));
    }
    EXPECT_EQ(status(world, "replicas"), then);
    EXPECT_EQ(world.writes_to_settle(), 0) << "seed " << seed;
    EXPECT_LE(world.of("ControllerRevision").size(), 3U) << "current, update and one old one";
  }
}

TEST(StatefulSets, InOrderEachWaitsForTheOneBefore) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    World world(deciders, run_nodes);
    world.add(web(4));
    for (int i = 0; i < 60; ++i) {
      const std::size_t before = world.of("Pod").size();
      bool all_ready = true;
      for (const Json& pod : world.of("Pod")) all_ready = all_ready && is_serving(pod);
      step(world);
      const std::size_t after = world.of("Pod").size();
      ASSERT_LE(after, before + 1);
      ASSERT_TRUE(after <= before || all_ready) << "made beside one that is not ready";
      if (random() % 2 == 0) run_nodes(world);
    }
    EXPECT_EQ(world.of("Pod").size(), 4U);
    set_spec(world, R"({"replicas":1})");
    for (int i = 0; i < 40; ++i) {
      step(world);
      int ending = 0;
      for (const Json& pod : world.of("Pod")) ending += kube::is_being_deleted(pod) ? 1 : 0;
      ASSERT_LE(ending, 1) << "one at a time";
      if (random() % 2 == 0) run_nodes(world);
    }
    EXPECT_EQ(names(world, "Pod"), (std::set<std::string>{"web-0"}));
  }
}

TEST(StatefulSets, InParallelAllAtOnce) {
  World world(deciders, run_nodes);
  world.add(web(4, "broken", R"({"podManagementPolicy":"Parallel"})"));
  step(world);
  EXPECT_EQ(world.of("Pod").size(), 4U);
  set_spec(world, R"({"replicas":1})");
  step(world);
  run_nodes(world);
  EXPECT_EQ(world.of("Pod").size(), 1U);
}

TEST(StatefulSets, RollsFromTheLastDownAndOneAtATime) {
  World world(deciders, run_nodes);
  world.add(web(3));
  ASSERT_TRUE(world.settle());
  const Json before = status(world, "currentRevision");
  set_image(world, "two");
  std::vector<std::string> order;
  for (int i = 0; i < 30; ++i) {
    const auto old = images(world);
    step(world);
    run_nodes(world);
    int there = 0;
    for (const Json& pod : world.of("Pod")) there += is_serving(pod) ? 1 : 0;
    ASSERT_GE(there, 2);
    for (const auto& [name, image] : images(world)) {
      const auto at = old.find(name);
      if (image == "two" && (at == old.end() || at->second == "one")) order.push_back(name);
    }
  }
  EXPECT_EQ(order, (std::vector<std::string>{"web-2", "web-1", "web-0"}));
  EXPECT_NE(status(world, "currentRevision"), before);
  EXPECT_EQ(status(world, "currentRevision"), status(world, "updateRevision"));
  EXPECT_EQ(world.of("ControllerRevision").size(), 2U);
  // And back: the old revision is taken up again.
  set_image(world, "one");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(status(world, "currentRevision"), before);
  EXPECT_EQ(world.of("ControllerRevision").size(), 2U);
  EXPECT_EQ((*world.find("ControllerRevision", before.get<std::string>()))["revision"], 3);
}

TEST(StatefulSets, APartitionHoldsTheOldOnesBack) {
  World world(deciders, run_nodes);
  world.add(web(3, "one", R"({"updateStrategy":{"rollingUpdate":{"partition":2}}})"));
  ASSERT_TRUE(world.settle());
  set_image(world, "two");
  ASSERT_TRUE(world.settle());
  using Images = std::map<std::string, std::string>;
  EXPECT_EQ(images(world), (Images{{"web-0", "one"}, {"web-1", "one"}, {"web-2", "two"}}));
  EXPECT_EQ(status(world, "currentReplicas"), 2);
  EXPECT_EQ(status(world, "updatedReplicas"), 1);
  world.remove("Pod", "web-0");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(images(world)["web-0"], "one") << "it comes back as it was";
  set_spec(world, R"({"updateStrategy":{"rollingUpdate":{"partition":0}}})");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(images(world), (Images{{"web-0", "two"}, {"web-1", "two"}, {"web-2", "two"}}));
}

TEST(StatefulSets, OnDeleteWaitsForSomebody) {
  World world(deciders, run_nodes);
  world.add(web(2, "one", R"({"updateStrategy":{"type":"OnDelete"}})"));
  ASSERT_TRUE(world.settle());
  set_image(world, "two");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(images(world)["web-1"], "one");
  world.remove("Pod", "web-1");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(images(world)["web-1"], "two");
  EXPECT_EQ(images(world)["web-0"], "one");
}

TEST(StatefulSets, ABrokenRolloutStopsAndCanBeMended) {
  World world(deciders, run_nodes);
  world.add(web(3));
  ASSERT_TRUE(world.settle());
  set_image(world, "broken");
  ASSERT_TRUE(world.settle());
  using Images = std::map<std::string, std::string>;
  EXPECT_EQ(images(world), (Images{{"web-0", "one"}, {"web-1", "one"}, {"web-2", "broken"}}));
  set_image(world, "one");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(images(world), (Images{{"web-0", "one"}, {"web-1", "one"}, {"web-2", "one"}}));
}

TEST(StatefulSets, MaxUnavailableReplacesSeveral) {
  World world(deciders, run_nodes);
  world.add(web(4, "one", R"({"updateStrategy":{"rollingUpdate":{"maxUnavailable":"50%"}}})"));
  ASSERT_TRUE(world.settle());
  set_image(world, "two");
  step(world);
  step(world);
  int ending = 0;
  for (const Json& pod : world.of("Pod")) ending += kube::is_being_deleted(pod) ? 1 : 0;
  EXPECT_EQ(ending, 2);
}

TEST(StatefulSets, PodsKnowWhoTheyAreAndKeepTheirClaims) {
  World world(deciders, run_nodes);
  world.add(web(1, "one", R"({"ordinals":{"start":5}})"));
  ASSERT_TRUE(world.settle());
  const Json pod = *world.find("Pod", "web-5");
  EXPECT_EQ(pod["spec"]["hostname"], "web-5");
  EXPECT_EQ(pod["spec"]["subdomain"], "web");
  EXPECT_EQ(pod["metadata"]["labels"][std::string(kPodIndex)], "5");
  EXPECT_EQ(pod["metadata"]["labels"][std::string(kStatefulPodName)], "web-5");
  EXPECT_EQ(pod["metadata"]["labels"][std::string(kControllerRevisionHash)],
            status(world, "updateRevision"));
  EXPECT_EQ(pod["spec"]["volumes"],
            J(R"([{"name":"data","persistentVolumeClaim":{"claimName":"data-web-5"}},
                  {"name":"tmp","emptyDir":{}}])"));
  const Json claim = *world.find("PersistentVolumeClaim", "data-web-5");
  EXPECT_EQ(claim["metadata"]["labels"], J(R"({"app":"web"})"));
  EXPECT_FALSE(claim["metadata"].contains("ownerReferences"));
  world.remove("Pod", "web-5");
  ASSERT_TRUE(world.settle());
  EXPECT_NE((*world.find("Pod", "web-5"))["metadata"]["uid"], pod["metadata"]["uid"]);
  EXPECT_EQ(*world.find("PersistentVolumeClaim", "data-web-5"), claim);
  set_spec(world, R"({"replicas":0})");
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.of("Pod").empty());
  EXPECT_EQ(*world.find("PersistentVolumeClaim", "data-web-5"), claim) << "Retain";
}

TEST(StatefulSets, ClaimsGoWithWhatTheirPolicyNames) {
  const auto story = [](const char* policy, bool delete_set) {
    World world(deciders, run_nodes);
    Json set = web(2);
    set["spec"]["persistentVolumeClaimRetentionPolicy"] = J(policy);
    world.add(set);
    EXPECT_TRUE(world.settle());
    if (delete_set)
      world.remove("StatefulSet", "web");
    else
      set_spec(world, R"({"replicas":1})");
    EXPECT_TRUE(world.settle());
    return world.of("PersistentVolumeClaim").size();
  };
  const char* scaled = R"({"whenScaled":"Delete","whenDeleted":"Retain"})";
  const char* deleted = R"({"whenScaled":"Retain","whenDeleted":"Delete"})";
  EXPECT_EQ(story(scaled, false), 1U);
  EXPECT_EQ(story(scaled, true), 2U);
  EXPECT_EQ(story(deleted, false), 2U);
  EXPECT_EQ(story(deleted, true), 0U);
}

TEST(StatefulSets, NamesOfOthersAreLeftAlone) {
  World world(deciders, run_nodes);
  Json other =
      J(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0","labels":{"app":"web"},
    "ownerReferences":[{"uid":"x","controller":true,"kind":"X","name":"x"}]},
    "spec":{"containers":[{"image":"i"}]}})");
  const Json set = web(2, "one", R"({"podManagementPolicy":"Parallel"})");
  Json owned = set;
  owned["metadata"]["uid"] = "u";
  const Decision decision = decide_stateful_set({owned, {other}, {}, {}, 0});
  for (const Action& action : decision.actions) {
    EXPECT_FALSE(std::holds_alternative<Delete>(action));
    if (const auto* create = std::get_if<Create>(&action)) {
      EXPECT_NE(kube::key_of(create->object).name, "web-0");
    }
  }
  const Json base = J(R"({"metadata":{"name":"web"}})");
  const auto ordinal = [&](const char* name) {
    return ordinal_of(base, {{"metadata", {{"name", name}}}});
  };
  EXPECT_EQ(ordinal("web-12"), 12);
  for (const char* name : {"web", "web-", "web-01", "web--1", "web-1a", "webs-1", "web-x-1"}) {
    EXPECT_FALSE(ordinal(name)) << name;
  }
}

}  // namespace
}  // namespace nacelle::control::workload
