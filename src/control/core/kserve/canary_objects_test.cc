// Which objects a canary has, and where there is none.
#include "control/core/kserve/canary_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "control/core/kserve/testing/canary_story.h"

namespace nacelle::control::kserve {
namespace {

using testing::canary_service;
using ::testing::HasSubstr;
using testing::image_of;
using testing::Story;

Json J(std::string_view text) { return Json::parse(text); }

TEST(Canary, ItsPodsAreNobodyElses) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.set_image("two");
  ASSERT_TRUE(story.wait_for("90/10")) << story.canary_condition("message");
  const Json canary = *story.world.find("Deployment", "chat-kserve-canary");
  const Json labels = canary["spec"]["template"]["metadata"]["labels"];
  const auto takes = [&](const char* kind, const char* name, kube::Path selector) {
    const Json& wanted = kube::map_at(*story.world.find(kind, name), selector);
    return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& each) {
      return labels.value(each.key(), Json()) == each.value();
    });
  };
  EXPECT_TRUE(takes("Deployment", "chat-kserve-canary", {"spec", "selector", "matchLabels"}));
  EXPECT_TRUE(
      takes("InferencePool", "chat-canary-inference-pool", {"spec", "selector", "matchLabels"}));
  EXPECT_TRUE(takes("Service", "chat-kserve-canary-svc", {"spec", "selector"}));
  EXPECT_FALSE(takes("Deployment", "chat-kserve", {"spec", "selector", "matchLabels"}));
  EXPECT_FALSE(takes("InferencePool", "chat-inference-pool", {"spec", "selector", "matchLabels"}));
  EXPECT_FALSE(takes("Service", "chat-kserve-workload-svc", {"spec", "selector"}));
  EXPECT_EQ(labels[std::string(kRevisionAnnotation)],
            canary["metadata"]["annotations"][std::string(kRevisionAnnotation)]);
  // Each rule of the route is split, those that lead to the Service, too.
  for (const Json& rule : (*story.world.find("HTTPRoute", "chat-kserve-route"))["spec"]["rules"]) {
    const Json& backends = rule["backendRefs"];
    ASSERT_EQ(backends.size(), 2U) << rule;
    EXPECT_EQ(backends[0]["kind"], backends[1]["kind"]);
    EXPECT_EQ(backends[0]["weight"], 90);
    EXPECT_EQ(backends[1]["weight"], 10);
  }
}

TEST(Canary, PrefillAndDecodeAreOneRevision) {
  Story story(canary_service(R"({"spec":{"prefill":{"replicas":3,
    "template":{"containers":[{"name":"main","image":"one"}]}}}})"));
  ASSERT_TRUE(story.settle()) << story.world.text();
  ASSERT_EQ(story.condition("Ready", "status"), "True") << story.condition("Ready", "message");
  story.world.edit("LLMInferenceService", "chat", [](Json& object) {
    object["spec"]["prefill"]["template"]["containers"][0]["image"] = "two";
  });
  ASSERT_TRUE(story.wait_for("50/50")) << story.canary_condition("message");
  const auto image = [&](const char* name) {
    return image_of((*story.world.find("Deployment", name))["spec"]["template"]);
  };
  EXPECT_EQ(image("chat-kserve-prefill"), "one");
  EXPECT_EQ(image("chat-kserve-canary-prefill"), "two");
  const Json canary = *story.world.find("Deployment", "chat-kserve-canary");
  EXPECT_THAT(canary["spec"]["template"].dump(), HasSubstr("\"chat-canary-inference-pool\""))
      << "the sidecar looks for prefill pods of its own revision";
  EXPECT_THAT(canary["spec"]["template"].dump(), Not(HasSubstr("\"chat-inference-pool\"")));
  EXPECT_EQ((*story.world.find("Deployment", "chat-kserve-canary-prefill"))["spec"]["replicas"], 2);
  ASSERT_TRUE(story.settle()) << story.world.text();
  EXPECT_EQ(image("chat-kserve-prefill"), "two");
  EXPECT_EQ(story.canary_condition(), "Promoted");
  EXPECT_EQ(story.world.find("Deployment", "chat-kserve-canary-prefill"), nullptr);
}

struct Unsupported {
  const char* name;
  const char* before;  // laid over the service before its first update
  const char* update;  // null: another image
  const char* why;
};

TEST(Canary, WhereItCannotBeTheUpdateIsAPlainOne) {
  const std::vector<Unsupported> rows = {
      {"a traffic group", R"({"spec":{"router":{"route":{"group":"g","weight":5}}}})", nullptr,
       "a traffic group splits the route by weights already"},
      {"no route", R"({"spec":{"router":null}})", nullptr,
       "the service has no route of its own to split"},
      {"a selector that takes all", R"({"spec":{"router":{"scheduler":{"pool":{"spec":{"selector":
        {"matchLabels":{"app.kubernetes.io/name":"chat"}}}}}}}})",
       nullptr, "the selector of the pool would take the canary's pods, too"},
      {"another model name", "{}", R"({"spec":{"model":{"name":"big"},"template":{"containers":
        [{"name":"main","image":"two"}]}}})",
       "the revision serves big, and the one before it tiny"},
  };
  for (const Unsupported& row : rows) {
    Story story(canary_service(row.before));
    ASSERT_TRUE(story.settle()) << story.world.text();
    if (row.update == nullptr)
      story.set_image("two");
    else
      story.change(row.update);
    story.second();
    EXPECT_EQ(story.canary_condition(), "NotSupported") << row.name;
    EXPECT_THAT(story.canary_condition("message"), HasSubstr(row.why)) << row.name;
    ASSERT_TRUE(story.settle()) << story.world.text();
    EXPECT_EQ(story.stable_image(), "two") << row.name;
    EXPECT_EQ(story.canary(), "none") << row.name;
  }
}

TEST(Canary, SomebodyElsesPoolIsLeftAlone) {
  Story story;
  ASSERT_TRUE(story.settle()) << story.world.text();
  story.world.add(J(R"({"apiVersion":"inference.networking.k8s.io/v1","kind":"InferencePool",
    "metadata":{"name":"chat-canary-inference-pool"},"spec":{"selector":{"matchLabels":{"a":"b"}}}})"));
  Json other = *story.world.find("InferencePool", "chat-canary-inference-pool");
  const Json* stored = story.world.find("LLMInferenceService", "chat");
  Observed observed = testing::observe(story.world, *stored, story.around);
  observed.children.push_back(other);  // as the shell adds what has a name that is wanted
  Json wanted = *stored;
  wanted["spec"]["template"]["containers"][0]["image"] = "two";
  const Decision decision = testing::decide_alone(wanted, observed);
  bool said = false;
  for (const Action& action : decision.actions) {
    if (const auto* apply = std::get_if<Apply>(&action)) {
      EXPECT_NE(target_of(apply->object).name, "chat-canary-inference-pool");
      EXPECT_NE(target_of(apply->object).name, "chat-kserve-canary");
    }
    if (const auto* status = std::get_if<UpdateStatus>(&action)) {
      said = status->object.dump().find(
                 "InferencePool chat-canary-inference-pool is controlled by "
                 "somebody else") != std::string::npos;
    }
  }
  EXPECT_TRUE(said);
}

TEST(Canary, OnItsOwnPlatformItHasAPickerOfItsOwn) {
  Json made = canary_service();
  Spec spec = parse_spec(J(R"({"model":{"name":"tiny"},"router":{"scheduler":{}}})"));
  const Platform platform;
  const GlobalConfig global;
  const Owner owner{made, spec, global, platform};
  const std::vector<Json> wanted = {
      J(R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"chat-kserve-router-scheduler",
        "labels":{"app.kubernetes.io/component":"llminferenceservice-router-scheduler"}},
        "spec":{"selector":{"matchLabels":{"app.kubernetes.io/component":"llminferenceservice-router-scheduler"}},
        "template":{"metadata":{"labels":{"app.kubernetes.io/component":"llminferenceservice-router-scheduler"}},
        "spec":{"containers":[{"name":"main","args":["--pool-name","chat-inference-pool","--x=team/chat-inference-pool"]}]}}}})"),
      J(R"({"kind":"InferencePool","apiVersion":"inference.networking.k8s.io/v1",
        "metadata":{"name":"chat-inference-pool"},
        "spec":{"endpointPickerRef":{"name":"chat-epp-service"},"selector":{"matchLabels":{}}}})"),
      J(R"({"kind":"InferencePool","apiVersion":"inference.networking.x-k8s.io/v1alpha2",
        "metadata":{"name":"chat-inference-pool"},
        "spec":{"extensionRef":{"name":"chat-epp-service"},"selector":{}}})")};
  const auto objects =
      canary_objects(owner, wanted, {"abc", "tiny"}, [](const Json&) { return 1; });
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["metadata"]["name"], "chat-kserve-canary-scheduler");
  const Json& args = objects[0]["spec"]["template"]["spec"]["containers"][0]["args"];
  EXPECT_EQ(args[1], "chat-canary-inference-pool");
  EXPECT_EQ(args[2], "--x=team/chat-canary-inference-pool");
  EXPECT_EQ(objects[0]["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"],
            "llminferenceservice-router-scheduler-canary");
  EXPECT_EQ(objects[1]["spec"]["endpointPickerRef"]["name"], "chat-canary-epp-service");
  EXPECT_EQ(objects[1]["spec"]["selector"]["matchLabels"]["nacelle.dev/revision"], "abc");
  EXPECT_EQ(objects[2]["spec"]["extensionRef"]["name"], "chat-canary-epp-service");
  EXPECT_EQ(objects[2]["spec"]["selector"]["kserve.io/component"], "workload-canary");
}

}  // namespace
}  // namespace nacelle::control::kserve
