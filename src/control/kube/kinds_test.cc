// Our kinds at an API server: admission, conversion, what is kept and what is refused.
#include "control/kube/kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::text_at;
using kube::testing::ApiReply;
using testing::Cluster;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr const char* kServices =
    "/apis/serving.kserve.io/v1alpha2/namespaces/team/llminferenceservices";

Json service(const char* spec) {
  Json out = *kube::json_of_yaml(
      "apiVersion: serving.kserve.io/v1alpha2\nkind: LLMInferenceService\n"
      "metadata: {name: chat, namespace: team}\n");
  out["spec"] = *kube::json_of_yaml(spec);
  return out;
}

TEST(Kinds, EveryCauseOfARefusalIsNamed) {
  Cluster cluster;
  const ApiReply refused = cluster.api().post(kServices, service(R"(
model: {uri: "hf://org/tiny"}
worker: {containers: [{name: main}]}
router: {route: {weight: 3}, scheduler: {replicas: 0}}
)"));
  EXPECT_EQ(refused.status, 422) << refused.text;
  EXPECT_EQ(refused.reason(), "Invalid");
  std::vector<std::string> fields;
  for (const Json& cause : kube::list_at(refused.body, {"details", "causes"})) {
    fields.emplace_back(text_at(cause, {"field"}));
  }
  EXPECT_THAT(fields, Contains("spec.router.route.group"));
  EXPECT_THAT(fields, Contains("spec.router.scheduler.replicas"));
  EXPECT_EQ(cluster.api().get(std::string(kServices) + "/chat").status, 404);
}

TEST(Kinds, DefaultsAndWarningsOfEveryWrite) {
  Cluster cluster;
  const Json object = service(R"(
model: {uri: "hf://org/tiny"}
router: {ingress: {refs: []}, route: {group: g, weight: 1}}
)");
  EXPECT_EQ(cluster.api().post(kServices, object).status, 422) << "a group excludes an ingress";
  Json ignored = object;
  ignored["spec"]["router"].erase("route");
  const ApiReply made = cluster.api().post(kServices, ignored);
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.warnings(), Contains(HasSubstr("spec.router.ingress is not used")));
  EXPECT_EQ(text_at(made.body, {"spec", "model", "name"}), "chat");
  const ApiReply patched = cluster.api().patch(
      std::string(kServices) + "/chat", Json{{"spec", {{"router", {{"ingress", nullptr}}}}}});
  EXPECT_EQ(patched.status, 200) << patched.text;
  EXPECT_TRUE(patched.warnings().empty());
  const ApiReply applied = cluster.apply(object);
  EXPECT_EQ(applied.status, 422);
  const Json unused = {{"spec", {{"parallelism", {{"pipeline", 2}}}}}};
  const ApiReply warned = cluster.api().patch(std::string(kServices) + "/chat", unused);
  EXPECT_EQ(warned.status, 200);
  EXPECT_THAT(warned.warnings(), Contains(HasSubstr("parallelism.pipeline")));
}

TEST(Kinds, TheOlderVersionGoesUpAndDown) {
  Cluster cluster;
  const char* old = "/apis/serving.kserve.io/v1alpha1/namespaces/team/llminferenceservices";
  const Json object = *kube::json_of_yaml(R"(
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: chat, namespace: team}
spec:
  model: {uri: "hf://org/tiny", criticality: Critical}
)");
  const ApiReply made = cluster.api().post(old, object);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"spec", "model", "criticality"}), "Critical");
  const Json now = cluster.api().get(std::string(kServices) + "/chat").body;
  EXPECT_EQ(
      text_at(now, {"metadata", "annotations", "internal.serving.kserve.io/model-criticality"}),
      "Critical");
  EXPECT_EQ(kube::find(now, {"spec", "model", "criticality"}), nullptr);
  Json wrong = object;
  wrong["metadata"]["name"] = "wrong";
  wrong["spec"]["model"]["criticality"] = "Utmost";
  EXPECT_EQ(cluster.api().post(old, wrong).status, 422);
}

TEST(Kinds, ConfigsWithTemplatesThatDoNotParseAreRefused) {
  Cluster cluster;
  Json config = *kube::json_of_yaml(R"(
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceServiceConfig
metadata: {name: base, namespace: team}
spec:
  template: {containers: [{name: main, env: [{name: A, value: "{{ .Name }"}]}]}
)");
  const char* path = "/apis/serving.kserve.io/v1alpha2/namespaces/team/llminferenceserviceconfigs";
  EXPECT_EQ(cluster.api().post(path, config).status, 422);
  config["spec"]["template"]["containers"][0]["env"][0]["value"] = "{{ .Name }}";
  EXPECT_EQ(cluster.api().post(path, config).status, 201);
}

TEST(Kinds, UnknownFieldsAreSaidOutsideOfOpenObjects) {
  Cluster cluster;
  Json object = service(R"(
model: {uri: "hf://org/tiny"}
template: {containers: [{name: main, anything: {goes: here}}]}
replica: 3
)");
  const ApiReply made =
      cluster.api().post(std::string(kServices) + "?fieldValidation=Warn", object);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.warnings(), Contains(HasSubstr("spec.replica")));
  EXPECT_EQ(text_at(made.body["spec"]["template"]["containers"][0], {"anything", "goes"}), "here");
}

}  // namespace
}  // namespace nacelle::control
