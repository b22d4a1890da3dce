// A new revision of a service of inference.llm-d.ai on part of the requests first.
#include "control/core/kserve/canary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "control/core/kserve/testing/canary_story.h"
#include "control/core/llmd/admission.h"
#include "control/core/llmd/service.h"
#include "kube/time.h"

namespace nacelle::control::llmd {
namespace {

using kserve::testing::live;
using kserve::testing::Plot;
using kserve::testing::Story;
using kserve::testing::Surroundings;
using kserve::testing::World;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

Json canary_service(const char* more = "{}") {
  Json out =
      Json::parse(R"({"apiVersion":"inference.llm-d.ai/v1alpha1","kind":"LLMInferenceService",
    "metadata":{"name":"chat","annotations":{"nacelle.dev/canary-steps":"10,50",
      "nacelle.dev/canary-step-seconds":"30"}},
    "spec":{"model":{"id":"tiny","source":{"type":"PVC","uri":"pvc://models/tiny"}},
      "engine":{"image":"one"},"replicas":4}})");
  out.merge_patch(Json::parse(more));
  return out;
}

// Seen from outside of the service.
struct Beside {
  std::optional<std::int64_t> allowed;
  std::optional<LoadSample> load;
  AutoscalerState scaler;
};

kserve::testing::DecideService decider(Beside& beside) {
  return [&beside](const World& world, const Json& service, const Surroundings& around) {
    ServiceObserved observed;
    observed.objects = kserve::testing::observe(world, service, around);
    observed.now_s = world.now;
    observed.allowed = beside.allowed;
    observed.load = beside.load;
    kserve::Platform platform;
    platform.picker_in_gateway = true;
    return decide_service(service, {}, platform, kserve::testing::preset_lookup(), observed,
                          beside.scaler);
  };
}

struct Scene {
  Beside beside;
  Story story;
  explicit Scene(const char* more = "{}") : story(canary_service(more), decider(beside)) {}
};

TEST(LlmdCanary, GoesThroughItsStepsAndIsPromotedWhileTheServiceStaysReady) {
  Scene scene;
  Story& story = scene.story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  ASSERT_EQ(story.condition("Ready", "status"), "True") << story.condition("Ready", "message");
  story.set_image("two");
  EXPECT_THAT(story.watch_readiness(120), ElementsAreArray(kserve::testing::scenes_of_promotion()));
  EXPECT_EQ(story.canary_condition(), "Promoted");
  EXPECT_THAT(story.events(), ::testing::Contains("Normal CanaryPromoted"));
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.world.writes_to_settle(), 0);
}

TEST(LlmdCanary, AFailureRollsItBack) {
  struct Row {
    const char* image;
    kserve::PoolTraffic every_second;
    const char* cause;
  };
  for (const Row& row : {Row{"broken", {10, 0}, "container main exited with code 1: no such model"},
                         Row{"two", {10, 3}, "of 20 requests failed, a rate of 0.3 above 0.05"}}) {
    Scene scene;
    Story& story = scene.story;
    ASSERT_TRUE(story.settle()) << story.world.text();
    story.around.every_second = row.every_second;
    story.set_image(row.image);
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), "1 canary none stable one") << row.image;
    EXPECT_EQ(story.canary_condition(), "RolledBack") << row.image;
    EXPECT_THAT(story.canary_condition("message"), HasSubstr(row.cause));
    EXPECT_EQ(story.condition("Ready", "status"), "True") << row.image;
    EXPECT_EQ(story.world.writes_to_settle(), 0) << row.image;
  }
}

// Load changes the number of replicas, which is no other revision.
TEST(LlmdCanary, IsScaledBesideItsService) {
  Scene scene(R"({"spec":{"replicas":2,"autoscaling":{"minReplicas":2,"maxReplicas":4,
      "metrics":[{"type":"RequestQueue","requestQueue":{"targetAverageQueueDepth":5}}]}}})");
  Story& story = scene.story;
  scene.beside.load = LoadSample{.queued = 0};
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  scene.beside.load->queued = 100;
  ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
  EXPECT_EQ(story.stable_image(), "one");
  EXPECT_EQ((*story.world.find("Deployment", "chat-kserve"))["spec"]["replicas"], 4);
  EXPECT_EQ(story.canary(), "2xtwo") << "half of the four";
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.scene(), "1 canary none stable two");
}

TEST(LlmdCanary, AServiceThatSharesDevicesOrHasNoneThatAnswersIsUpdatedPlainly) {
  Scene shares;
  shares.beside.allowed = 4;
  ASSERT_TRUE(shares.story.settle()) << shares.story.world.text();
  shares.story.set_image("two");
  ASSERT_TRUE(shares.story.settle()) << shares.story.world.text();
  EXPECT_EQ(shares.story.scene(), "1 canary none stable two");
  EXPECT_EQ(shares.story.canary_condition(), "NotSupported");
  EXPECT_THAT(shares.story.canary_condition("message"), HasSubstr("no share"));

  Scene empty(R"({"spec":{"replicas":0}})");
  ASSERT_TRUE(empty.story.settle()) << empty.story.world.text();
  empty.story.set_image("two");
  empty.story.second();
  EXPECT_EQ(empty.story.stable_image(), "two") << "nobody answers: there is nothing to compare";
}

TEST(LlmdCanary, TheSameEndFromAnyInterleavingAndCrash) {
  std::uint32_t seed = 100;
  for (const Plot& plot : kserve::testing::plots()) {
    Scene calm;
    ASSERT_TRUE(live(plot, nullptr, calm.story)) << calm.story.world.text();
    for (const std::uint32_t end = seed + 2; seed < end; ++seed) {
      std::mt19937 dice(seed);
      Scene wild;
      ASSERT_TRUE(live(plot, &dice, wild.story)) << wild.story.world.text();
      ASSERT_EQ(essence(wild.story), essence(calm.story))
          << "seed " << seed << " to " << plot.image;
      ASSERT_EQ(wild.story.world.writes_to_settle(), 0) << "seed " << seed;
    }
  }
}

TEST(LlmdCanary, AnnotationsThatAreWrongAreRefused) {
  Json service = canary_service();
  EXPECT_TRUE(review_service(service, nullptr).allowed());
  service["metadata"]["annotations"]["nacelle.dev/canary-steps"] = "50,10";
  const Review wrong = review_service(service, nullptr);
  ASSERT_FALSE(wrong.allowed());
  EXPECT_EQ(wrong.problems.front().field, "metadata.annotations[nacelle.dev/canary-steps]");
  service["metadata"]["annotations"].erase("nacelle.dev/canary-steps");
  EXPECT_EQ(review_service(service, nullptr).warnings.size(), 1U) << "the rest is not used";
}

}  // namespace
}  // namespace nacelle::control::llmd
