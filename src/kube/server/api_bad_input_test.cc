// api_bad_input_test.cc: what users, files and clocks get wrong, and what the API says to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "kube/server/tokens.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using testing::ApiReply;
using ::testing::HasSubstr;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

Json config_map(const std::string& name) {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}};
}

TEST(ApiBadInput, ObjectsOfFiveMegabytesAreRefused) {
  ApiFixture api;
  Json body = config_map("big");
  body["data"] = {{"k", std::string(5 << 20, 'x')}};
  const ApiReply refused = api.post(kMaps, body);
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.message(), "Request entity too large: limit is 3145728");
  body["data"]["k"] = std::string((1 << 20) + 1, 'x');
  EXPECT_THAT(api.post(kMaps, body).message(),
              HasSubstr("Too long: may not be more than 1048576 bytes"));
  body["data"]["k"] = std::string(1 << 20, 'x');
  EXPECT_EQ(api.post(kMaps, body).status, 201);
}

TEST(ApiBadInput, NamesAtTheirLimit) {
  ApiFixture api;
  EXPECT_EQ(api.post(kMaps, config_map(std::string(253, 'a'))).status, 201);
  const ApiReply longer = api.post(kMaps, config_map(std::string(254, 'a')));
  EXPECT_EQ(longer.status, 422);
  EXPECT_THAT(longer.message(), HasSubstr("must be no more than 253 bytes"));
  for (const char* name : {"UPPER", "-dash", "dot.", "a_b", "a..b", "\xc3\xa4"}) {
    EXPECT_EQ(api.post(kMaps, config_map(name)).status, 422) << name;
  }
  Json none = config_map("");
  EXPECT_THAT(api.post(kMaps, none).message(),
              HasSubstr("metadata.name: Required value: name or generateName is required"));
  const Json name_space = {
      {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", std::string(64, 'n')}}}};
  EXPECT_EQ(api.post("/api/v1/namespaces", name_space).status, 422) << "namespaces are labels";
  Json labelled = config_map("l");
  labelled["metadata"]["labels"] = {{"k", std::string(64, 'v')}};
  EXPECT_EQ(api.post(kMaps, labelled).status, 422);
}

TEST(ApiBadInput, ImmutableFields) {
  ApiFixture api;
  const Json deployment = Json::parse(R"({"apiVersion":"apps/v1","kind":"Deployment",
    "metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":
    {"labels":{"app":"a","b":"c"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}})");
  const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";
  ASSERT_EQ(api.post(deployments, deployment).status, 201);
  const ApiReply selector =
      api.patch(deployments + "/d", {{"spec", {{"selector", {{"matchLabels", {{"b", "c"}}}}}}}});
  EXPECT_EQ(selector.status, 422);
  EXPECT_THAT(selector.message(), HasSubstr("field is immutable"));
  const std::string services = "/api/v1/namespaces/default/services";
  const Json service = Json::parse(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
    "spec":{"ports":[{"port":80}]}})");
  ASSERT_EQ(api.post(services, service).status, 201);
  EXPECT_THAT(api.patch(services + "/s", {{"spec", {{"clusterIP", "10.0.0.9"}}}}).message(),
              HasSubstr("may not change once set"));
  Json frozen = config_map("frozen");
  frozen["immutable"] = true;
  (void)api.post(kMaps, frozen);
  EXPECT_THAT(api.patch(std::string(kMaps) + "/frozen", {{"data", {{"a", "b"}}}}).message(),
              HasSubstr("immutable when `immutable` is set"));
  const std::string pods = "/api/v1/namespaces/default/pods";
  (void)api.post(pods, Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
    "spec":{"containers":[{"name":"c","image":"i:1"}]}})"));
  EXPECT_THAT(api.patch(pods + "/p", {{"spec", {{"hostname", "h"}}}}).message(),
              HasSubstr("pod updates may not change fields other than"));
  EXPECT_EQ(
      api.patch(pods + "/p", Json::parse(R"([{"op":"replace","path":"/spec/containers/0/image",
    "value":"i:2"}])"),
                "application/json-patch+json")
          .status,
      200);
  EXPECT_EQ(api.patch(pods + "/p", {{"metadata", {{"uid", "other"}}}}).status, 422);
}

TEST(ApiBadInput, UnknownKindsPathsAndVerbs) {
  ApiFixture api;
  EXPECT_EQ(api.get("/apis/example.com/v1/things").text, "404 page not found\n");
  EXPECT_EQ(api.get("/api/v1/things").message(),
            "the server could not find the requested resource");
  EXPECT_EQ(api.get("/api/v1//pods").status, 404);
  EXPECT_EQ(api.get("/api/v1/namespaces/default/pods/").status, 200)
      << "a slash at the end is fine";
  EXPECT_EQ(api.call("HEAD", "/api/v1/pods").status, 405);
  EXPECT_EQ(api.call("POST", "/api/v1/namespaces/default/pods/p", "{}").status, 405);
  EXPECT_EQ(api.get("/api/v1/namespaces/default/pods/p/exec").status, 501);
  EXPECT_EQ(api.get("/api/v1/namespaces/default/pods/p/nonsense").status, 404);
  Json secret = config_map("x");
  secret["kind"] = "Secret";
  EXPECT_EQ(api.post(kMaps, secret).status, 400);
  Json version = config_map("x");
  version["apiVersion"] = "v9";
  EXPECT_EQ(api.post(kMaps, version).status, 400);
}

TEST(ApiBadInput, BodiesThatAreNone) {
  ApiFixture api;
  for (const char* body : {"", "{", "[]", "null", "{\"metadata\":}", "{\"a\":\"\xff\"}"}) {
    EXPECT_EQ(api.call("POST", kMaps, body).status, 400) << body;
  }
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "{\"a\":";
  EXPECT_EQ(api.call("POST", kMaps, deep).status, 400);
  const ApiReply type = api.call("POST", kMaps, R"({"metadata":{"name":"n"},"data":7})");
  EXPECT_EQ(type.status, 400);
  EXPECT_THAT(type.message(),
              HasSubstr("cannot unmarshal number into Go struct field ConfigMap.data"));
  EXPECT_EQ(api.call("POST", kMaps, "x", {{"content-type", "text/plain"}}).status, 415);
  const testing::HeaderList yaml = {{"content-type", "application/yaml"}};
  EXPECT_EQ(api.call("POST", kMaps, "metadata: {name: from-yaml}\ndata: {a: \"1\"}\n", yaml).status,
            201);
  EXPECT_EQ(api.call("POST", kMaps, "metadata: {name: z}\ndata: {a: on}\n", yaml).status, 400)
      << "a bare `on` is a boolean";
  EXPECT_EQ(api.call("POST", kMaps, "a: [", yaml).status, 400);
  EXPECT_EQ(
      api.call("POST", kMaps, "k8s", {{"content-type", "application/vnd.kubernetes.protobuf"}})
          .status,
      400);
}

TEST(ApiBadInput, ExpiredAndForgedTokens) {
  const server::Tokens tokens("admin-token-of-this-test", "a key");
  const std::string token = tokens.issue(
      {.account = {"ns", "robot"}, .account_uid = "u", .issued_s = 1000, .expires_s = 2000});
  ASSERT_TRUE(tokens.user_of(token, 1999).has_value());
  EXPECT_EQ(tokens.user_of(token, 1999)->name, "system:serviceaccount:ns:robot");
  EXPECT_FALSE(tokens.user_of(token, 2000).has_value()) << "expired";
  std::string forged = token;
  forged[forged.size() / 2] ^= 1;
  EXPECT_FALSE(tokens.user_of(forged, 1999).has_value());
  EXPECT_FALSE(server::Tokens("x", "another key").user_of(token, 1999).has_value());
  EXPECT_EQ(tokens.user_of("admin-token-of-this-test", 1)->name, "kubernetes-admin");
  EXPECT_FALSE(tokens.user_of("", 1).has_value());
  ApiFixture api;
  const Json request = {{"spec", {{"expirationSeconds", 60}}}};
  (void)api.eventually(
      [&] { return api.get("/api/v1/namespaces/default/serviceaccounts/default").status == 200; });
  const std::string path = "/api/v1/namespaces/default/serviceaccounts/default/token";
  EXPECT_THAT(api.post(path, request).message(), HasSubstr("less than 10 minutes"));
  EXPECT_EQ(api.post(path, Json::object()).status, 201);
}

TEST(ApiBadInput, AFullDiskIsSaidAndDeletionsGoOn) {
  ApiServerOptions options;
  options.store.max_file_bytes = 1 << 20;
  ApiFixture api(std::move(options));
  ApiReply last;
  int made = 0;
  for (; made < 100; ++made) {
    Json body = config_map("m" + std::to_string(made));
    body["data"] = {{"k", std::string(100 << 10, 'x')}};
    last = api.post(kMaps, body);
    if (last.status != 201) break;
  }
  ASSERT_LT(made, 100);
  EXPECT_EQ(last.status, 507) << last.text;
  EXPECT_EQ(last.reason(), "InsufficientStorage");
  EXPECT_EQ(api.remove(std::string(kMaps) + "/m0").status, 200);
  EXPECT_EQ(api.post(kMaps, config_map("small")).status, 201);
}

TEST(ApiBadInput, AClockThatJumpsBackChangesNoOrder) {
  static std::atomic<std::int64_t> clock{2'000'000'000};
  ApiServerOptions options;
  options.wall_clock = [] { return clock.load(); };
  ApiFixture api(std::move(options));
  const Json before = api.post(kMaps, config_map("before")).body;
  EXPECT_EQ(before["metadata"]["creationTimestamp"], "2033-05-18T03:33:20Z");
  clock = 1'000'000'000;
  const Json after = api.post(kMaps, config_map("after")).body;
  EXPECT_EQ(after["metadata"]["creationTimestamp"], "2001-09-09T01:46:40Z");
  EXPECT_GT(std::stoull(std::string(version_of(after))),
            std::stoull(std::string(version_of(before))));
  const testing::HeaderList table = {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}};
  EXPECT_EQ(api.call("GET", std::string(kMaps) + "/before", "", table).body["rows"][0]["cells"][2],
            "<invalid>")
      << "an age of the future";
}

TEST(ApiBadInput, AFolderInUseAndADamagedStore) {
  ApiFixture api;
  const auto second =
      ApiServer::start(api.runtime(), {.folder = api.folder(), .serve_http = false});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  EXPECT_THAT(second.error().message(), HasSubstr("is in use by another process"));
  net::testing::TestFolder folder;
  std::ofstream(folder.path() / "store.db") << std::string(8192, 'x');
  const auto damaged =
      ApiServer::start(api.runtime(), {.folder = folder.path(), .serve_http = false});
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code(), Code::kDataLoss);
  EXPECT_THAT(damaged.error().message(), HasSubstr("a copy is kept as"));
}

}  // namespace
}  // namespace nacelle::kube
