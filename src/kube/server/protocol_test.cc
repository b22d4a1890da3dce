// protocol_test.cc: discovery, OpenAPI, protobuf bodies, paths and selectors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/schema/cells.h"
#include "kube/server/documents.h"
#include "kube/server/protobuf.h"
#include "kube/server/request.h"
#include "kube/server/selectors.h"
#include "kube/testing/api_fixture.h"
#include "kube/time.h"

namespace nacelle::kube::server {
namespace {

using testing::ApiFixture;

std::string from_hex(std::string_view text) {
  std::string out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

TEST(Protobuf, ABodyOfKubectl) {
  const auto review =
      decode_protobuf(from_hex("6b387300 0a32 0a17617574686f72697a6174696f6e2e6b38732e696f2f7631 "
                               "121753656c665375626a656374416363657373526576696577 123c 0a10 0a00 "
                               "1200 1a00 2200 2a00 3200 3800 "
                               "4200 121e 0a1c 0a0764656661756c74 1203676574 1a00 2200 "
                               "2a04706f6473 3200 3a00 1a08 0800 1200 1a00 "
                               "2000 1a00 2200"));
  ASSERT_TRUE(review.ok()) << review.error().to_string();
  EXPECT_EQ(*review,
            Json::parse(R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",
    "spec":{"resourceAttributes":{"namespace":"default","verb":"get","resource":"pods"}}})"));
  const auto name_space =
      decode_protobuf(from_hex("6b387300 0a0f 0a027631 12094e616d657370616365 121c 0a14 "
                               "0a04746e7332 1200 1a00 2200 2a00 3200 3800 "
                               "4200 1200 1a020a00 1a00 2200"));
  ASSERT_TRUE(name_space.ok()) << name_space.error().to_string();
  EXPECT_EQ(*name_space,
            Json::parse(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tns2"}})"));
  EXPECT_FALSE(decode_protobuf("k8s").ok());
  EXPECT_FALSE(decode_protobuf(from_hex("6b387300 0aff")).ok());
}

TEST(Discovery, AggregatedForNewClientsAndListsForOldOnes) {
  ApiFixture api;
  const auto v2 =
      api.call("GET", "/apis", "",
               {{"accept",
                 "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
                 "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
                 "application/json"}});
  EXPECT_EQ(v2.headers.get("content-type"),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(v2.body["kind"], "APIGroupDiscoveryList");
  EXPECT_EQ(v2.body["items"][0]["metadata"]["name"], "apps");
  const auto beta = api.call("GET", "/apis", "",
                             {{"accept",
                               "application/json;g=apidiscovery.k8s.io;v=v2beta1;"
                               "as=APIGroupDiscoveryList,application/json"}});
  EXPECT_EQ(beta.body["kind"], "APIGroupList");
  const auto etag = std::string(v2.headers.get("etag"));
  const auto cached =
      api.call("GET", "/apis", "",
               {{"accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
                {"if-none-match", etag}});
  EXPECT_EQ(cached.status, 304);
  const Json apps = api.get("/apis/apps/v1").body;
  bool scale = false;
  for (const Json& one : apps["resources"]) {
    if (one["name"] != "deployments/scale") continue;
    scale = one["group"] == "autoscaling" && one["version"] == "v1" && one["kind"] == "Scale";
  }
  EXPECT_TRUE(scale);
  EXPECT_EQ(api.get("/api").body["versions"], Json::array({"v1"}));
  EXPECT_EQ(api.get("/version").body["minor"], "32");
  EXPECT_EQ(api.get("/readyz").text, "ok");
}

// Walks the protobuf of OpenAPI v2 the way its readers do: every length must fit.
TEST(OpenApi, EveryReferenceNamesADefinition) {
  ApiFixture api;
  const Json v2 = api.call("GET", "/openapi/v2", "", {{"accept", "application/json"}}).body;
  ASSERT_TRUE(v2["definitions"].is_object());
  std::size_t references = 0;
  const std::function<void(const Json&)> walk = [&](const Json& value) {
    if (value.is_object() && value.contains("$ref")) {
      const std::string name = value["$ref"].get<std::string>().substr(14);
      EXPECT_TRUE(v2["definitions"].contains(name)) << name;
      EXPECT_EQ(value.size(), 1u) << "a reference stands alone";
      ++references;
    }
    if (value.is_structured()) {
      for (const Json& child : value) walk(child);
    }
  };
  walk(v2["definitions"]);
  EXPECT_GT(references, 100u);
  const Json& patch =
      v2["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
  const auto bytes =
      api.call("GET", "/openapi/v2", "",
               {{"accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}});
  EXPECT_EQ(bytes.text.substr(0, 5), std::string("\x0a\x03"
                                                 "2.0"));
  const Json index = api.get("/openapi/v3").body;
  const std::string url = index["paths"]["apis/apps/v1"]["serverRelativeURL"];
  const auto document = api.get(url);
  EXPECT_EQ(document.headers.get("cache-control"), "public, immutable");
  EXPECT_TRUE(document.body["components"]["schemas"].contains("io.k8s.api.apps.v1.Deployment"));
  EXPECT_EQ(api.get("/openapi/v3/apis/apps/v1?hash=00").status, 301);
}

TEST(Paths, AreReadAsTheyAreWritten) {
  const auto path = parse_path("/apis/apps/v1/namespaces/ns/deployments/web/scale");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->group, "apps");
  EXPECT_EQ(path->name_space, "ns");
  EXPECT_EQ(path->name, "web");
  EXPECT_EQ(path->subresource, "scale");
  const auto itself = parse_path("/api/v1/namespaces/ns/status");
  ASSERT_TRUE(itself.has_value());
  EXPECT_EQ(itself->plural, "namespaces");
  EXPECT_EQ(itself->name, "ns");
  EXPECT_EQ(itself->subresource, "status");
  EXPECT_FALSE(parse_path("/api").has_value());
  EXPECT_FALSE(parse_path("/api/v1//pods").has_value());
  EXPECT_FALSE(parse_path("/api/v1/pods/%zz").has_value());
}

TEST(Selectors, Table) {
  const Json object = {{"metadata", {{"labels", {{"app", "web"}, {"tier", "2"}}}}}};
  const std::vector<std::pair<const char*, bool>> rows = {{"", true},
                                                          {"app", true},
                                                          {"!app", false},
                                                          {"app=web", true},
                                                          {"app==db", false},
                                                          {"app!=db", true},
                                                          {"none!=x", true},
                                                          {"app in (db, web)", true},
                                                          {"app notin (web)", false},
                                                          {"none notin (a)", true},
                                                          {"tier>1", true},
                                                          {"tier<2", false},
                                                          {"app=web,tier=2", true},
                                                          {"app=web,!tier", false},
                                                          {"none", false},
                                                          {"none=", false}};
  for (const auto& [text, wanted] : rows) {
    auto selector = LabelSelector::parse(text);
    ASSERT_TRUE(selector.ok()) << text;
    EXPECT_EQ(selector->matches(object), wanted) << text;
  }
  for (const char* text : {"a b", "a in b", "a in (", "=x", "a=b,", "a>x", "a=-"}) {
    EXPECT_FALSE(LabelSelector::parse(text).ok()) << text;
  }
  EXPECT_EQ(text_at(LabelSelector::parse("a b").failure().status, {"message"}),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
}

TEST(Durations, AreShownAsKubectlShowsThem) {
  const std::vector<std::pair<std::int64_t, const char*>> rows = {
      {-5, "<invalid>"}, {-1, "0s"},         {95, "95s"},         {330, "5m30s"},
      {300, "5m"},       {5400, "90m"},      {14700, "4h5m"},     {108000, "30h"},
      {273600, "3d4h"},  {34560000, "400d"}, {96336000, "3y20d"}, {283824000, "9y"}};
  for (const auto& [seconds, text] : rows) EXPECT_EQ(schema::short_duration(seconds), text);
  EXPECT_EQ(timestamp(1'000'000'000), "2001-09-09T01:46:40Z");
  EXPECT_EQ(parse_timestamp("2001-09-09T03:46:40.5+02:00"), 1'000'000'000);
  EXPECT_FALSE(parse_timestamp("2001-13-09T01:46:40Z").has_value());
}

}  // namespace
}  // namespace nacelle::kube::server
