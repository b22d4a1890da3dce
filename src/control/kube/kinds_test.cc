// Our kinds at an API server: admission, conversion, what is kept and what is refused.
#include "control/kube/kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "control/core/kserve/admission.h"
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

TEST(Kinds, UnknownFieldsAreSaidInPodsToo) {
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
  EXPECT_THAT(made.warnings(), Contains(HasSubstr("spec.template.containers[0].anything")));
  EXPECT_EQ(text_at(made.body["spec"]["template"]["containers"][0], {"anything", "goes"}), "here");
  EXPECT_EQ(cluster.when_true("serving.kserve.io/v1alpha2", "LLMInferenceService", "chat",
                              "MainWorkloadReady"),
            "True")
      << "an API refuses an apply with it";
}

// A value that `schema` allows.
Json sample(const Json& schema) {
  const std::string_view type = text_at(schema, {"type"});
  if (const Json* values = kube::find(schema, {"enum"})) return (*values)[0];
  if (type == "array") {
    return Json::array({sample(kube::map_at(schema, {"items"}))});
  }
  if (type == "boolean") return true;
  if (type == "integer" || schema.contains("x-kubernetes-int-or-string")) return 2;
  if (type == "string") return "a";
  Json out = Json::object();
  for (const auto& [name, property] : kube::map_at(schema, {"properties"}).items()) {
    out[name] = sample(property);
  }
  if (out.empty()) out["a"] = "b";
  return out;
}

struct Unused {
  std::string path;
  Json object;  // has a value there
};

// A config may be laid below a service that has a worker.
void find_unused(const Json& schema, const std::string& path, bool config,
                 std::vector<Unused>& out) {
  const std::string_view says = text_at(schema, {"description"});
  const bool unused = says.find("ot used") != says.npos || says.find("ignores") != says.npos;
  const Json& properties = kube::map_at(schema, {"properties"});
  if (unused && !(config && says.find("without worker") != says.npos)) {
    Json object = Json::object();
    object[Json::json_pointer("/" + path)] = sample(schema);
    std::string dotted = path;
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    out.push_back({dotted, std::move(object)});
  }
  for (const auto& [name, property] : properties.items()) {
    find_unused(property, path + "/" + name, config, out);
  }
}

TEST(Kinds, EveryFieldThatIsSaidToBeUnusedIsAWarning) {
  const auto admissions =
      control::admissions("kserve", {.picker_in_gateway = true, .own_engine = true});
  std::size_t fields = 0;
  for (const Json& definition : custom_resource_definitions()) {
    const auto admission = admissions.find(std::string(text_at(definition, {"metadata", "name"})));
    ASSERT_NE(admission, admissions.end());
    std::vector<Unused> unused;
    find_unused(*kube::find(definition["spec"]["versions"][0],
                            {"schema", "openAPIV3Schema", "properties", "spec"}),
                "spec", text_at(definition, {"spec", "names", "kind"}).ends_with("Config"), unused);
    for (Unused& one : unused) {
      ++fields;
      one.object["metadata"] = {{"name", "chat"}, {"namespace", "team"}};
      const auto answer = admission->second(one.object, nullptr);
      // By its own name, or by that of what it stands in.
      const bool told =
          std::any_of(answer.warnings.begin(), answer.warnings.end(), [&](const std::string& text) {
            const std::string named = text.substr(0, text.find(' '));
            return one.path.starts_with(named) || named.starts_with(one.path + ".");
          });
      EXPECT_TRUE(told) << text_at(definition, {"spec", "names", "kind"}) << " " << one.path << ": "
                        << ::testing::PrintToString(answer.warnings);
    }
  }
  EXPECT_GT(fields, 20U) << "the schemas say so in other words now";
}

TEST(Kinds, WhatTheOlderVersionKeepsIsAWarning) {
  Cluster cluster;
  const Json object = *kube::json_of_yaml(R"(
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: chat, namespace: team}
spec: {model: {uri: "hf://org/tiny", criticality: Critical}}
)");
  const ApiReply made = cluster.api().post(
      "/apis/serving.kserve.io/v1alpha1/namespaces/team/llminferenceservices", object);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.warnings(), Contains(HasSubstr("criticality")));
}

TEST(Kinds, AnImageOfSomebodyElseKeepsItsOwnPromises) {
  const auto review = [](const char* image) {
    Json object = service(R"(
model: {uri: "hf://org/tiny", lora: {adapters: [{name: a}]}}
template: {containers: [{name: main}]}
)");
    if (*image != 0) object["spec"]["template"]["containers"][0]["image"] = image;
    return kserve::review_service(object, nullptr, {.own_engine = true}).warnings;
  };
  EXPECT_THAT(review(""), Contains(HasSubstr("spec.model.lora")));
  EXPECT_THAT(review("vllm/vllm-openai:v0.22.0"), Contains(HasSubstr("spec.model.lora")));
  EXPECT_TRUE(review("example.com/engine:1").empty());
}

}  // namespace
}  // namespace nacelle::control
