// What each second of a canary shows.
#include "control/core/kserve/canary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "control/core/kserve/testing/canary_story.h"
#include "kube/time.h"

namespace nacelle::control::kserve {
namespace {

using testing::canary_service;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::image_of;
using testing::Story;

Json J(std::string_view text) { return Json::parse(text); }

TEST(Canary, GoesThroughItsStepsAndIsPromotedWhileTheServiceStaysReady) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  ASSERT_EQ(story.condition("Ready", "status"), "True") << story.condition("Ready", "message");
  EXPECT_EQ(story.canary_condition(), "absent");
  story.set_image("two");
  EXPECT_THAT(story.watch_readiness(120), ElementsAreArray(testing::scenes_of_promotion()));
  EXPECT_EQ(story.canary_condition("status"), "True");
  EXPECT_EQ(story.canary_condition(), "Promoted");
  EXPECT_THAT(story.events(), ::testing::Contains("Normal CanaryPromoted"));
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.world.writes_to_settle(), 0);
  EXPECT_EQ(story.world.find("InferencePool", "chat-canary-inference-pool"), nullptr);
  EXPECT_EQ(story.world.find("Service", "chat-kserve-canary-svc"), nullptr);
}

TEST(Canary, EachStepLastsFromWhenItIsReady) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  const std::int64_t began = story.world.now;
  EXPECT_THAT(story.canary_condition("message"), HasSubstr("10 % on revision "));
  EXPECT_THAT(story.canary_condition("message"),
              HasSubstr("until " + kube::timestamp(began - 1 + 30) + ", then 50 %"));
  ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
  EXPECT_GE(story.world.now - began, 30);
  EXPECT_LE(story.world.now - began, 36);
}

struct Failure {
  const char* name;
  const char* image;
  PoolTraffic every_second;
  const char* cause;
};

TEST(Canary, AFailureRollsItBackAndTheRevisionIsNotTriedAgain) {
  const std::vector<Failure> rows = {
      {"a crash loop", "broken", {10, 0}, "container main exited with code 1: no such model"},
      {"no progress in its time", "slow", {10, 0}, "has timed out progressing."},
      {"errors", "two", {10, 3}, "of 20 requests failed, a rate of 0.3 above 0.05"},
  };
  for (const Failure& row : rows) {
    Story story;
    ASSERT_TRUE(story.settle()) << story.world.text();
    story.around.every_second = row.every_second;
    story.set_image(row.image);
    bool unready = false;
    for (int i = 0; i < 60 && story.canary_condition() != "RolledBack"; ++i) {
      story.second();
      unready = unready || story.condition("Ready", "status") != "True";
    }
    EXPECT_FALSE(unready) << row.name;
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), "1 canary none stable one") << row.name;
    EXPECT_EQ(story.canary_condition("status"), "False") << row.name;
    EXPECT_EQ(story.canary_condition(), "RolledBack") << row.name;
    EXPECT_THAT(story.canary_condition("message"), HasSubstr(row.cause)) << row.name;
    const auto told = story.events();
    EXPECT_EQ(std::count(told.begin(), told.end(), "Warning CanaryRolledBack"), 1) << row.name;
    EXPECT_EQ(story.world.writes_to_settle(), 0) << row.name;

    // What is no other revision is followed, and another revision has its chance.
    story.change(R"({"spec":{"replicas":2}})");
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), "1 canary none stable one") << row.name;
    EXPECT_EQ((*story.world.find("Deployment", "chat-kserve"))["spec"]["replicas"], 2) << row.name;
    EXPECT_EQ(story.canary_condition(), "RolledBack") << row.name;
    story.around.every_second = PoolTraffic{10, 0};
    story.set_image("three");
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), "1 canary none stable three") << row.name;
    EXPECT_EQ(story.canary_condition(), "Promoted") << row.name;
  }
}

struct ErrorRow {
  const char* name;
  const char* annotations;
  PoolTraffic every_second;
  const char* end;
};

TEST(Canary, ErrorsCountAboveARateAndFromSomeRequestsOn) {
  const std::vector<ErrorRow> rows = {
      {"a rate at the limit",
       R"({"nacelle.dev/canary-max-error-rate":"0.3"})",
       {10, 3},
       "Promoted"},
      {"a rate above the limit",
       R"({"nacelle.dev/canary-max-error-rate":"0.2"})",
       {10, 3},
       "RolledBack"},
      {"no error is allowed",
       R"({"nacelle.dev/canary-max-error-rate":"0"})",
       {100, 1},
       "RolledBack"},
      {"too few requests", R"({"nacelle.dev/canary-min-requests":"100"})", {1, 1}, "Promoted"},
      {"just enough requests", R"({"nacelle.dev/canary-min-requests":"10"})", {1, 1}, "RolledBack"},
  };
  for (const ErrorRow& row : rows) {
    Json made = canary_service();
    made["metadata"]["annotations"].merge_patch(J(row.annotations));
    Story story(made);
    ASSERT_TRUE(story.settle()) << story.world.text();
    story.around.every_second = row.every_second;
    story.set_image("two");
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.canary_condition(), row.end)
        << row.name << ": " << story.canary_condition("message");
  }
}

TEST(Canary, AGatewayThatBeganAnewCountsAnew) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.around.every_second = PoolTraffic{0, 0};
  story.around.counted["chat-canary-inference-pool"] = {1000, 900};  // of an earlier canary
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  (void)story.watch(5);
  EXPECT_EQ(story.canary_condition(), "Progressing");
  story.around.counted["chat-canary-inference-pool"] = {30, 0};
  (void)story.watch(3);
  EXPECT_EQ(story.canary_condition(), "Progressing");
  story.around.counted["chat-canary-inference-pool"] = {60, 30};
  (void)story.watch(3);
  EXPECT_EQ(story.canary_condition(), "RolledBack");
  EXPECT_THAT(story.canary_condition("message"), HasSubstr("30 of 60 requests failed"));
}

TEST(Canary, WithoutReadingsOnlyReadinessDecidesAndTheConditionSaysSo) {
  Story story;
  story.around.every_second.reset();
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  EXPECT_THAT(story.canary_condition("message"), HasSubstr("failed requests are not counted here"));
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.canary_condition(), "Promoted");
}

TEST(Canary, ANewerRevisionBeginsFromTheFirstStep) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
  story.set_image("three");
  EXPECT_THAT(story.watch(150),
              ElementsAre("1 canary 2xtwo stable one", "1 canary none stable one",
                          "1 canary 1xthree stable one", "90/10 canary 1xthree stable one",
                          "90/10 canary 2xthree stable one", "50/50 canary 2xthree stable one",
                          "50/50 canary 2xthree stable three", "1 canary 2xthree stable three",
                          "1 canary none stable three"));
}

TEST(Canary, GoingBackOrGivingUpEndsIt) {
  for (const bool goes_back : {true, false}) {
    Story story;
    ASSERT_TRUE(story.settle()) << story.world.text();
    story.set_image("two");
    ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
    if (goes_back)
      story.set_image("one");
    else
      story.change(R"({"metadata":{"annotations":{"nacelle.dev/canary-steps":null}}})");
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.scene(), goes_back ? "1 canary none stable one" : "1 canary none stable two");
    EXPECT_EQ(story.canary_condition(), "absent");
    EXPECT_EQ(story.condition("Ready", "status"), "True");
    EXPECT_EQ(story.world.writes_to_settle(), 0);
  }
}

TEST(Canary, StopAndDeletionTakeItAlong) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  story.change(R"({"metadata":{"annotations":{"serving.kserve.io/stop":"true"}}})");
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.scene(), "none canary none stable none");
  EXPECT_EQ(story.canary_condition(), "absent");
  story.change(R"({"metadata":{"annotations":{"serving.kserve.io/stop":null}}})");
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.scene(), "1 canary none stable two") << "what answered before is not known";

  story.set_image("three");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  story.world.remove("LLMInferenceService", "chat");
  ASSERT_TRUE(story.settle()) << story.world.text();
  for (const char* kind : {"Deployment", "InferencePool", "HTTPRoute", "Service", "Pod"}) {
    EXPECT_TRUE(story.world.of(kind).empty()) << kind;
  }
}

TEST(Canary, WhatRequestsAreSentToStaysUntilTheGatewayKnows) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  story.around.gateway_works = false;
  story.set_image("one");
  (void)story.watch(60);
  EXPECT_EQ(story.scene(), "1 canary 1xtwo stable one") << "the gateway has not taken the route";
  story.around.gateway_works = true;
  (void)story.watch(5);
  EXPECT_EQ(story.scene(), "1 canary none stable one");
}

TEST(Canary, AStepBeginsAgainWhenItsPodsGo) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  (void)story.watch(10);
  const std::int64_t lost = story.world.now;
  const auto make_ready = [&](const char* ready) {
    for (const Json& pod : story.world.of("Pod")) {
      if (image_of(pod) != "two") continue;
      story.world.edit("Pod", kube::key_of(pod).name, [&](Json& each) {
        each["status"]["conditions"][0]["status"] = ready;
        each["status"]["conditions"][0]["lastTransitionTime"] = kube::timestamp(story.world.now);
      });
    }
  };
  make_ready("False");
  (void)story.watch(4);
  EXPECT_EQ(story.weights(), "1") << "nothing is sent to a canary that does not answer";
  make_ready("True");
  (void)story.watch(25);
  EXPECT_EQ(story.weights(), "90/10");
  ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
  EXPECT_GE(story.world.now - lost, 34);
}

TEST(Canary, AServiceThatNeverAnsweredIsUpdatedPlainly) {
  Story story;
  story.set_image("broken");
  (void)story.watch(10);
  EXPECT_EQ(story.condition("Ready", "status"), "False");
  story.set_image("two");
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.scene(), "1 canary none stable two");
  EXPECT_EQ(story.canary_condition(), "absent");
}

TEST(Canary, AnnotationsThatNobodyRefusedAreSaidToBeWrong) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.change(R"({"metadata":{"annotations":{"nacelle.dev/canary-steps":"150"}}})");
  story.set_image("two");
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(story.canary_condition(), "InvalidAnnotation");
  EXPECT_THAT(story.canary_condition("message"), HasSubstr("\"150\""));
  EXPECT_EQ(story.scene(), "1 canary none stable two");
}

}  // namespace
}  // namespace nacelle::control::kserve
