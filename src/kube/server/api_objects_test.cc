// api_objects_test.cc: create, read, update, patch, apply, scale: the rules of single objects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using testing::ApiReply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

Json config_map(const std::string& name, Json data = Json::object()) {
  return {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", data}};
}

Json deployment(const std::string& name, const std::string& image = "img:1") {
  return Json::parse(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":")" + name +
                     R"("},"spec":{"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":
    {"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":")" +
                     image + R"("}]}}}})");
}

constexpr const char* kDeployments = "/apis/apps/v1/namespaces/default/deployments";

std::string at(const std::string& base, const std::string& name) { return base + "/" + name; }

TEST(ApiObjects, CreateFillsInWhatTheServerSets) {
  ApiFixture api;
  const ApiReply made = api.post(kMaps, config_map("a", {{"k", "v"}}));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"metadata", "namespace"}), "default");
  EXPECT_EQ(text_at(made.body, {"metadata", "uid"}).size(), 36u);
  EXPECT_FALSE(version_of(made.body).empty());
  EXPECT_FALSE(made.body["metadata"].contains("generation")) << "ConfigMaps count none";
  EXPECT_EQ(made.body["metadata"]["managedFields"][0]["manager"], "test");
  EXPECT_EQ(api.get(at(kMaps, "a")).body, made.body);
  const ApiReply again = api.post(kMaps, config_map("a"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.reason(), "AlreadyExists");
  EXPECT_EQ(again.message(), "configmaps \"a\" already exists");
}

TEST(ApiObjects, UpdatesConflictAndUnchangedOnesKeepTheirVersion) {
  ApiFixture api;
  Json first = api.post(kMaps, config_map("a", {{"k", "1"}})).body;
  Json next = first;
  next["data"]["k"] = "2";
  const ApiReply updated = api.put(at(kMaps, "a"), next);
  ASSERT_EQ(updated.status, 200) << updated.text;
  EXPECT_NE(version_of(updated.body), version_of(first));
  const ApiReply stale = api.put(at(kMaps, "a"), next);
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.reason(), "Conflict");
  EXPECT_THAT(stale.message(), HasSubstr("the object has been modified"));
  const ApiReply same = api.put(at(kMaps, "a"), updated.body);
  EXPECT_EQ(version_of(same.body), version_of(updated.body)) << "nothing changed";
  Json unconditional = config_map("a", {{"k", "3"}});
  EXPECT_EQ(api.put(at(kMaps, "a"), unconditional).status, 200);
  EXPECT_EQ(api.put(at(kMaps, "b"), config_map("b")).status, 404);
  EXPECT_EQ(api.put(at(kMaps, "b"), config_map("a")).status, 400) << "name differs from the URL";
}

TEST(ApiObjects, GenerateNameAndDryRun) {
  ApiFixture api;
  Json body = config_map("");
  body["metadata"] = {{"generateName", std::string(70, 'x')}};
  const ApiReply made = api.post(kMaps, body);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"metadata", "name"}).size(), 63u);
  const ApiReply dry = api.post(std::string(kMaps) + "?dryRun=All", config_map("dry"));
  EXPECT_EQ(dry.status, 201);
  EXPECT_FALSE(dry.body["metadata"].contains("resourceVersion"));
  EXPECT_EQ(api.get(at(kMaps, "dry")).status, 404);
  EXPECT_EQ(api.post(std::string(kMaps) + "?dryRun=Some", config_map("dry")).status, 422);
  EXPECT_EQ(
      api.remove(at(kMaps, std::string(text_at(made.body, {"metadata", "name"}))) + "?dryRun=All")
          .status,
      200);
  EXPECT_EQ(api.get(at(kMaps, std::string(text_at(made.body, {"metadata", "name"})))).status, 200);
}

TEST(ApiObjects, GenerationFollowsTheSpecOnly) {
  ApiFixture api;
  Json made = api.post(kDeployments, deployment("web")).body;
  EXPECT_EQ(made["metadata"]["generation"], 1);
  EXPECT_EQ(made["spec"]["replicas"], 1);
  EXPECT_EQ(made["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
  Json labelled =
      api.patch(at(kDeployments, "web"), {{"metadata", {{"labels", {{"x", "y"}}}}}}).body;
  EXPECT_EQ(labelled["metadata"]["generation"], 1);
  Json scaled = api.patch(at(kDeployments, "web"), {{"spec", {{"replicas", 3}}}}).body;
  EXPECT_EQ(scaled["metadata"]["generation"], 2);
  Json status = scaled;
  status["status"] = {{"replicas", 3}};
  status["spec"]["replicas"] = 9;
  const ApiReply after = api.put(at(kDeployments, "web") + "/status", status);
  ASSERT_EQ(after.status, 200) << after.text;
  EXPECT_EQ(after.body["status"]["replicas"], 3);
  EXPECT_EQ(after.body["spec"]["replicas"], 3) << "the status endpoint takes no spec";
  EXPECT_EQ(after.body["metadata"]["generation"], 2);
  Json main = after.body;
  main["status"] = {{"replicas", 7}};
  EXPECT_EQ(api.put(at(kDeployments, "web"), main).body["status"]["replicas"], 3);
}

TEST(ApiObjects, ScaleIsAViewOfTheSpec) {
  ApiFixture api;
  (void)api.post(kDeployments, deployment("web"));
  const std::string scale = at(kDeployments, "web") + "/scale";
  const ApiReply read = api.get(scale);
  ASSERT_EQ(read.status, 200) << read.text;
  EXPECT_EQ(read.body["spec"]["replicas"], 1);
  EXPECT_EQ(read.body["status"]["selector"], "app=a");
  EXPECT_EQ(api.patch(scale, {{"spec", {{"replicas", 0}}}}).body["spec"], Json::object());
  EXPECT_EQ(api.get(at(kDeployments, "web")).body["spec"]["replicas"], 0);
  EXPECT_EQ(api.put(scale, read.body).status, 409) << "an old version";
  EXPECT_EQ(api.patch(scale, {{"spec", {{"replicas", -1}}}}).status, 422);
}

TEST(ApiObjects, PatchesOfEveryKind) {
  ApiFixture api;
  (void)api.post(kDeployments, deployment("web"));
  const std::string web = at(kDeployments, "web");
  const Json strategic = Json::parse(
      R"({"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}})");
  const ApiReply merged = api.patch(web, strategic, "application/strategic-merge-patch+json");
  ASSERT_EQ(merged.status, 200) << merged.text;
  EXPECT_EQ(merged.body["spec"]["template"]["spec"]["containers"].size(), 2u);
  const Json ops = Json::parse(R"([{"op":"replace","path":"/spec/replicas","value":4}])");
  EXPECT_EQ(api.patch(web, ops, "application/json-patch+json").body["spec"]["replicas"], 4);
  const Json failing = Json::parse(R"([{"op":"test","path":"/spec/replicas","value":5}])");
  EXPECT_EQ(api.patch(web, failing, "application/json-patch+json").status, 422);
  EXPECT_EQ(api.patch(web, {{"spec", {{"paused", true}}}}).body["spec"]["paused"], true);
  EXPECT_EQ(api.patch(web, Json::object(), "application/json").status, 415);
  Json conditional = {{"metadata", {{"resourceVersion", "1"}}}};
  EXPECT_EQ(api.patch(web, conditional).status, 409);
}

TEST(ApiObjects, ApplyOwnsConflictsAndForces) {
  ApiFixture api;
  const std::string path = at(kMaps, "sa");
  const Json one = config_map("sa", {{"a", "1"}, {"b", "1"}});
  const ApiReply made = api.apply(path + "?fieldManager=m1", one);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body["metadata"]["managedFields"][0]["operation"], "Apply");
  const ApiReply again = api.apply(path + "?fieldManager=m1", one);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(version_of(again.body), version_of(made.body));
  const Json other = config_map("sa", {{"b", "2"}});
  const ApiReply refused = api.apply(path + "?fieldManager=m2", other);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.message(), "Apply failed with 1 conflict: conflict with \"m1\": .data.b");
  const ApiReply forced = api.apply(path + "?fieldManager=m2&force=true", other);
  ASSERT_EQ(forced.status, 200) << forced.text;
  EXPECT_EQ(forced.body["data"], (Json{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(api.apply(path, one).status, 422) << "no field manager";
  Json unknown = one;
  unknown["zzz"] = 1;
  EXPECT_THAT(api.apply(path + "?fieldManager=m1", unknown).message(),
              HasSubstr(".zzz: field not declared in schema"));
}

TEST(ApiObjects, WhatNothingActsUponIsSaidOnce) {
  ApiFixture api;
  const std::string path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
  const Json ingress = {
      {"metadata", {{"name", "front"}}},
      {"spec", {{"defaultBackend", {{"service", {{"name", "web"}, {"port", {{"number", 80}}}}}}}}}};
  const ApiReply made = api.post(path, ingress);
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.warnings(), ElementsAre(HasSubstr("nothing here serves Ingresses")));
  EXPECT_TRUE(api.get(path + "/front").warnings().empty());
  EXPECT_TRUE(
      api.patch(path + "/front", {{"metadata", {{"labels", {{"a", "b"}}}}}}).warnings().empty());
  EXPECT_TRUE(api.post(kMaps, config_map("plain")).warnings().empty());
}

TEST(ApiObjects, FieldValidationIgnoresWarnsOrRefuses) {
  ApiFixture api;
  Json body = config_map("w");
  body["foo"] = "bar";
  body["metadata"]["bogus"] = 1;
  const ApiReply warned = api.post(std::string(kMaps) + "?dryRun=All", body);
  EXPECT_EQ(warned.status, 201) << warned.text;
  EXPECT_THAT(warned.warnings(), ElementsAre("299 - \"unknown field \\\"foo\\\"\"",
                                             "299 - \"unknown field \\\"metadata.bogus\\\"\""));
  EXPECT_FALSE(warned.body.contains("foo"));
  const ApiReply strict = api.post(std::string(kMaps) + "?fieldValidation=Strict", body);
  EXPECT_EQ(strict.status, 400);
  EXPECT_EQ(strict.message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "unknown field \"foo\", unknown field \"metadata.bogus\"");
  EXPECT_TRUE(api.post(std::string(kMaps) + "?fieldValidation=Ignore", body).warnings().empty());
  EXPECT_EQ(api.post(std::string(kMaps) + "?fieldValidation=Bogus", body).status, 422);
  const ApiReply twice = api.call("POST", std::string(kMaps) + "?dryRun=All",
                                  R"({"metadata":{"name":"a","name":"b"}})");
  EXPECT_THAT(twice.warnings(), ElementsAre("299 - \"duplicate field \\\"metadata.name\\\"\""));
}

TEST(ApiObjects, ListsPageConsistentlyAndSelect) {
  ApiFixture api;
  for (int i = 0; i < 5; ++i) {
    Json map = config_map("m" + std::to_string(i));
    map["metadata"]["labels"] = {{"parity", i % 2 == 0 ? "even" : "odd"}};
    (void)api.post(kMaps, map);
  }
  const ApiReply first = api.get(std::string(kMaps) + "?limit=2&labelSelector=parity");
  ASSERT_EQ(first.body["items"].size(), 2u) << first.text;
  EXPECT_FALSE(first.body["metadata"].contains("remainingItemCount")) << "a selector hides it";
  const std::string token(text_at(first.body, {"metadata", "continue"}));
  (void)api.post(kMaps, config_map("a-new-one"));
  (void)api.remove(at(kMaps, "m3"));
  const ApiReply rest =
      api.get(std::string(kMaps) + "?limit=9&labelSelector=parity&continue=" + token);
  ASSERT_EQ(rest.body["items"].size(), 3u) << "the state of the first page";
  EXPECT_EQ(version_of(rest.body), version_of(first.body));
  api.server().store().compact();
  const ApiReply late = api.get(std::string(kMaps) + "?continue=" + token);
  EXPECT_EQ(late.status, 410);
  EXPECT_EQ(late.reason(), "Expired");
  const std::string onward(text_at(late.body, {"metadata", "continue"}));
  EXPECT_EQ(
      api.get(std::string(kMaps) + "?labelSelector=parity&continue=" + onward).body["items"].size(),
      2u)
      << "m2 and m4 of now";
  EXPECT_EQ(api.get(std::string(kMaps) + "?continue=abc").status, 400);
  EXPECT_EQ(api.get(std::string(kMaps) + "?labelSelector=parity+in+(odd)").body["items"].size(),
            1u);
  EXPECT_EQ(api.get(std::string(kMaps) + "?fieldSelector=metadata.name%3Dm4").body["items"].size(),
            1u);
  EXPECT_EQ(api.get(std::string(kMaps) + "?fieldSelector=spec.foo%3D1").message(),
            "field label not supported: spec.foo");
  EXPECT_EQ(api.get(std::string(kMaps) + "?resourceVersion=abc").status, 400);
  EXPECT_EQ(api.get("/api/v1/namespaces/nope/configmaps").body["items"].size(), 0u);
  EXPECT_EQ(api.post("/api/v1/namespaces/nope/configmaps", config_map("x")).message(),
            "namespaces \"nope\" not found");
}

TEST(ApiObjects, AFutureVersionIsWaitedForAndThenRefused) {
  ApiFixture api;
  const ApiReply late = api.get(std::string(kMaps) + "?resourceVersion=999999");
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
  EXPECT_EQ(late.headers.get("retry-after"), "1");
}

TEST(ApiObjects, TablesAndMetadata) {
  ApiFixture api;
  (void)api.post(kMaps, config_map("t", {{"a", "1"}, {"b", "2"}}));
  const testing::HeaderList table = {
      {"accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};
  const ApiReply list =
      api.call("GET", std::string(kMaps) + "?fieldSelector=metadata.name%3Dt", "", table);
  ASSERT_EQ(list.body["kind"], "Table") << list.text;
  EXPECT_EQ(list.body["columnDefinitions"][0]["name"], "Name");
  EXPECT_EQ(list.body["rows"][0]["cells"][0], "t");
  EXPECT_EQ(list.body["rows"][0]["cells"][1], "2");
  EXPECT_EQ(list.body["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  EXPECT_EQ(api.call("GET", at(kMaps, "nope"), "", table).body["kind"], "Status");
  const ApiReply partial =
      api.call("GET", at(kMaps, "t"), "",
               {{"accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}});
  EXPECT_EQ(partial.body["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(partial.body.contains("data"));
  EXPECT_EQ(api.call("GET", at(kMaps, "t"), "", {{"accept", "text/html"}}).status, 406);
  EXPECT_THAT(api.call("GET", at(kMaps, "t"), "", {{"accept", "application/yaml"}}).text,
              HasSubstr("\"kind\": \"ConfigMap\""));
}

TEST(ApiObjects, TwoVersionsOfOneObject) {
  ApiFixture api;
  const Json v1 = Json::parse(R"({"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler",
    "metadata":{"name":"h"},"spec":{"maxReplicas":5,"targetCPUUtilizationPercentage":42,
    "scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}})");
  const ApiReply made =
      api.post("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", v1);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body["apiVersion"], "autoscaling/v1");
  EXPECT_EQ(made.body["spec"]["targetCPUUtilizationPercentage"], 42);
  const ApiReply v2 = api.get("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h");
  EXPECT_EQ(v2.body["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 42);
}

}  // namespace
}  // namespace nacelle::kube
