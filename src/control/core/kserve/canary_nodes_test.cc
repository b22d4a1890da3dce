// A canary of a service on several nodes, whose workload is a LeaderWorkerSet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/testing/canary_story.h"

namespace nacelle::control::kserve::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

Json service_on_nodes() {
  return canary_service(R"({"spec":{"worker":{"containers":[{"name":"main","image":"one"}]},
    "parallelism":{"data":2,"dataLocal":1}}})");
}

TEST(CanaryOnNodes, GoesThroughItsStepsAndIsPromoted) {
  Story story(service_on_nodes());
  ASSERT_TRUE(story.settle()) << story.world.text();
  ASSERT_EQ(story.condition("Ready", "status"), "True") << story.condition("Ready", "message");
  EXPECT_EQ(story.condition("RolloutStuck", "status"), "absent")
      << "a set that is done does not progress";
  EXPECT_EQ(story.scene(), "1 canary none stable one");
  story.set_image("two");
  EXPECT_THAT(story.watch(150), ElementsAreArray(scenes_of_promotion()));
  EXPECT_EQ(story.canary_condition(), "Promoted");
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.world.writes_to_settle(), 0);
  EXPECT_EQ(story.condition("Ready", "status"), "True");
}

TEST(CanaryOnNodes, LeadersAndWorkersAreNobodyElses) {
  Story story(service_on_nodes());
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  const Json* set = story.world.find("LeaderWorkerSet", "chat-kserve-mn-canary");
  ASSERT_NE(set, nullptr);
  const Json& groups = (*set)["spec"]["leaderWorkerTemplate"];
  const Json& leader = groups["leaderTemplate"]["metadata"]["labels"];
  const Json& worker = groups["workerTemplate"]["metadata"]["labels"];
  EXPECT_EQ(leader["kserve.io/component"], "workload-canary");
  EXPECT_EQ(leader["app.kubernetes.io/component"], "llminferenceservice-workload-leader-canary");
  EXPECT_EQ(worker["app.kubernetes.io/component"], "llminferenceservice-workload-worker-canary");
  EXPECT_FALSE(worker.contains("kserve.io/component")) << "no endpoint";
  EXPECT_EQ(leader[std::string(kRevisionAnnotation)], worker[std::string(kRevisionAnnotation)]);
  const Json* stable = story.world.find("LeaderWorkerSet", "chat-kserve-mn");
  EXPECT_EQ((*stable)["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["metadata"]["labels"]
                     ["kserve.io/component"],
            "workload");
}

TEST(CanaryOnNodes, AFailureRollsItBack) {
  struct Row {
    const char *image, *cause;
  };
  for (const Row& row :
       {Row{"broken", "container main exited with code 1: no such model"},
        Row{"slow", "\"chat-kserve-mn-canary\" has 0 of 1 replicas after 600 s"}}) {
    Story story(service_on_nodes());
    ASSERT_TRUE(story.settle()) << story.world.text();
    story.set_image(row.image);
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), "1 canary none stable one") << row.image;
    EXPECT_EQ(story.canary_condition(), "RolledBack") << row.image;
    EXPECT_THAT(story.canary_condition("message"), HasSubstr(row.cause));
    EXPECT_EQ(story.condition("Ready", "status"), "True") << row.image;
    EXPECT_EQ(story.world.writes_to_settle(), 0) << row.image;
  }
}

// The status of a LeaderWorkerSet need not say of which template it speaks.
TEST(CanaryOnNodes, AnOldStatusDoesNotEndThePromotion) {
  Story story(service_on_nodes());
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  for (int i = 0; i < 300 && story.stable_image() != "two"; ++i) story.second();
  ASSERT_EQ(story.scene(), "50/50 canary 2xtwo stable two");
  story.around.sets_work = false;  // its controller is slow: four of four are ready, it said before
  EXPECT_THAT(story.watch(5), ElementsAre("50/50 canary 2xtwo stable two"));
  story.around.sets_work = true;
  std::size_t left = 4;
  for (int i = 0; i < 100 && story.canary_condition() != "Promoted"; ++i) {
    story.second();
    left = 0;
    for (const Json& pod : story.world.of("Pod")) left += image_of(pod) == "one" ? 1 : 0;
  }
  EXPECT_EQ(story.canary_condition(), "Promoted");
  EXPECT_EQ(left, 0U) << "all groups have the revision";
}

TEST(CanaryOnNodes, TheSameEndFromAnyInterleavingAndCrash) {
  std::uint32_t seed = 200;
  for (const Plot& plot : plots()) {
    Story calm(service_on_nodes());
    ASSERT_TRUE(live(plot, nullptr, calm)) << calm.world.text();
    for (const std::uint32_t end = seed + 2; seed < end; ++seed) {
      std::mt19937 dice(seed);
      Story wild(service_on_nodes());
      ASSERT_TRUE(live(plot, &dice, wild)) << wild.world.text();
      ASSERT_EQ(essence(wild), essence(calm)) << "seed " << seed << " to " << plot.image;
      ASSERT_EQ(wild.world.writes_to_settle(), 0) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace nacelle::control::kserve::testing
