// Names at their limit, and what cannot change, by every way of writing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::number_at;
using kube::text_at;
using kube::testing::ApiReply;
using testing::Cluster;
using ::testing::HasSubstr;

Json service(const std::string& name, const std::string& group) {
  Json out = *kube::json_of_yaml("kind: LLMInferenceService\nmetadata: {namespace: team}\n");
  out["metadata"]["name"] = name;
  if (group == "serving.kserve.io") {
    out["apiVersion"] = "serving.kserve.io/v1alpha2";
    out["spec"] = *kube::json_of_yaml(
        "{model: {uri: 'hf://a/b', name: b}, router: {route: {}, gateway: {}, scheduler: {}}}");
  } else {
    out["apiVersion"] = "inference.llm-d.ai/v1alpha1";
    out["spec"]["model"]["id"] = "a/b";
  }
  return out;
}

TEST(KindsRules, ANameOfSixtyThreeCharactersBecomesReadyAndALongerOneIsRefused) {
  Cluster cluster;
  for (const char* group : {"serving.kserve.io", "inference.llm-d.ai"}) {
    const std::string longest = std::string(62, 'n') + (*group == 's' ? "k" : "l");
    const Json object = service(longest, group);
    ASSERT_EQ(cluster.apply(object).status, 201);
    EXPECT_EQ(cluster.when_true(object["apiVersion"], "LLMInferenceService", longest, "Ready"),
              "True");
    for (const std::string& name :
         {std::string(64, 'n'), std::string(253, 'n'), std::string("a.b")}) {
      const ApiReply refused = cluster.apply(service(name, group));
      EXPECT_EQ(refused.status, 422) << name;
      EXPECT_THAT(refused.message(), HasSubstr("metadata.name")) << name;
    }
  }
}

TEST(KindsRules, TheSizeOfAGroupOfNodesCannotChangeByAnyWayOfWriting) {
  Cluster cluster;
  Json object = service("many", "serving.kserve.io");
  object["spec"]["worker"] = *kube::json_of_yaml("{containers: [{name: main, image: w}]}");
  object["spec"]["parallelism"] = {{"data", 16}, {"dataLocal", 8}};
  const ApiReply made = cluster.apply(object);
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string path =
      "/apis/serving.kserve.io/v1alpha2/namespaces/team/llminferenceservices/many";
  const Json other = {{"spec", {{"parallelism", {{"data", 32}}}}}};
  Json whole = cluster.api().get(path).body;
  whole["spec"]["parallelism"]["data"] = 32;
  Json applied = object;
  applied["spec"]["parallelism"]["data"] = 32;
  const Json steps =
      Json::array({{{"op", "replace"}, {"path", "/spec/parallelism/data"}, {"value", 32}}});
  const std::pair<const char*, ApiReply> ways[] = {
      {"PUT", cluster.api().put(path, whole)},
      {"merge patch", cluster.api().patch(path, other)},
      {"JSON patch", cluster.api().patch(path, steps, "application/json-patch+json")},
      {"apply", cluster.apply(applied)},
      {"apply of the older version",
       [&] {
         Json old = applied;
         old["apiVersion"] = "serving.kserve.io/v1alpha1";
         return cluster.apply(old);
       }()},
  };
  for (const auto& [name, reply] : ways) {
    EXPECT_EQ(reply.status, 422) << name << reply.text;
    EXPECT_THAT(reply.message(), HasSubstr("immutable")) << name;
  }
  EXPECT_EQ(number_at(cluster.api().get(path).body, {"spec", "parallelism", "data"}), 16);
  // The quotient is the same: two pods of a group.
  const Json same = {{"spec", {{"parallelism", {{"data", 8}, {"dataLocal", 4}}}}}};
  EXPECT_EQ(cluster.api().patch(path, same).status, 200);
}

}  // namespace
}  // namespace nacelle::control
