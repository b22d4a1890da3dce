// api_admission_test.cc: the owner of a kind is asked before its objects are stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using testing::ApiReply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDeployments = "/apis/apps/v1/namespaces/default/deployments";

Json deployment(int replicas) {
  Json out = Json::parse(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},
    "spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
    "spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  out["spec"]["replicas"] = replicas;
  return out;
}

// At most three replicas, never fewer than before; the owner is written down; zero is warned of.
ApiServerOptions with_admission() {
  ApiServerOptions out;
  out.admissions["deployments.apps"] = [](Json& object, const Json* before) {
    AdmissionAnswer answer;
    const auto replicas = number_at(object, {"spec", "replicas"}).value_or(0);
    if (replicas > 3) {
      answer.causes.push_back({"FieldValueInvalid", "spec.replicas", "Invalid value: at most 3"});
    }
    if (before != nullptr && replicas < number_at(*before, {"spec", "replicas"}).value_or(0)) {
      answer.causes.push_back({"FieldValueForbidden", "spec.replicas", "Forbidden: never fewer"});
    }
    if (replicas == 0) answer.warnings.push_back("spec.replicas is 0");
    object["metadata"]["labels"]["owner"] = "us";
    return answer;
  };
  return out;
}

TEST(ApiAdmission, EveryWayToWriteAsks) {
  ApiFixture api(with_admission());
  const std::string path = std::string(kDeployments) + "/d";
  const ApiReply refused = api.post(kDeployments, deployment(4));
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.reason(), "Invalid");
  EXPECT_THAT(refused.message(), HasSubstr("spec.replicas: Invalid value: at most 3"));
  EXPECT_EQ(refused.body["details"]["causes"],
            Json::parse(R"([{"reason":"FieldValueInvalid","field":"spec.replicas",
              "message":"Invalid value: at most 3"}])"));
  EXPECT_EQ(api.apply(path + "?fieldManager=t", deployment(4)).status, 422);

  const ApiReply made = api.post(kDeployments, deployment(0));
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.warnings(), ElementsAre(HasSubstr("spec.replicas is 0")));
  EXPECT_EQ(text_at(made.body, {"metadata", "labels", "owner"}), "us");

  EXPECT_TRUE(api.patch(path, {{"spec", {{"replicas", 2}}}}).warnings().empty());
  EXPECT_EQ(api.patch(path, {{"spec", {{"replicas", 1}}}}).status, 422);
  Json replaced = deployment(1);
  EXPECT_EQ(api.put(path, replaced).status, 422);
  replaced = deployment(3);
  EXPECT_EQ(api.put(path, replaced).status, 200);
  EXPECT_EQ(api.apply(path + "?fieldManager=t&force=true", deployment(2)).status, 422);
}

TEST(ApiAdmission, StatusAndOtherKindsDoNot) {
  ApiFixture api(with_admission());
  ASSERT_EQ(api.post(kDeployments, deployment(3)).status, 201);
  const std::string path = std::string(kDeployments) + "/d";
  EXPECT_EQ(api.patch(path + "/status", {{"status", {{"replicas", 9}}}}).status, 200);
  EXPECT_EQ(api.patch(path + "/scale", {{"spec", {{"replicas", 9}}}}).status, 422)
      << "scale writes the object's spec";
  EXPECT_EQ(api.post("/api/v1/namespaces/default/configmaps",
                     {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "m"}}}})
                .status,
            201);
}

}  // namespace
}  // namespace nacelle::kube
