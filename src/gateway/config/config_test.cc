#include <gtest/gtest.h>

#include "base/file.h"
#include "gateway/config/documents.h"
#include "gateway/config/load.h"
#include "gateway/config/object_reader.h"

namespace nacelle::gateway {
namespace {

std::string example() {
  return *read_file(std::string(NACELLE_SOURCE_DIR) + "/examples/gateway/complete.yaml", 1 << 20);
}

// The example with one text replaced by another: each test changes one thing of a good file.
Result<GatewayModel> with(std::string_view from, std::string_view to) {
  std::string text = example();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return parse_model({{"example.yaml", text}});
}

TEST(Config, TheExampleLoads) {
  const auto model = parse_model({{"example.yaml", example()}});
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_EQ(model->ports.size(), 1u);
  EXPECT_EQ(model->ports[0].address.to_string(), "0.0.0.0:8080");
  EXPECT_EQ(model->ports[0].routes[0].size(), 4u);
  ASSERT_EQ(model->rules.size(), 4u);
  EXPECT_TRUE(model->rules[0].holds_body);
  EXPECT_FALSE(model->rules[2].holds_body);
  EXPECT_EQ(model->rules[2].cluster_name, "httproute/default/portal/rule/0");
  EXPECT_EQ(model->rules[2].retry->statuses, (std::vector<int>{502, 503, 504}));
  ASSERT_EQ(model->clusters.size(), 3u);
  EXPECT_EQ(model->clusters[0].name, "pool/default/large");
  EXPECT_EQ(model->clusters[0].endpoints.size(), 2u);
  EXPECT_EQ(model->clusters[2].traffic.breaker.max_requests, 500u);
  EXPECT_EQ(model->clusters[2].traffic.outlier->max_ejected_percent, 50u);
  EXPECT_EQ(model->settings.limits.stream_idle_timeout, Duration(300s));
}

TEST(Config, EveryMistakeIsNamedWithItsPlaceAndTheNearestName) {
  struct Row {
    const char *from, *to, *problem;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"kind: InferencePool\nmetadata: {name: large}",
            "kind: InferencePol\nmetadata: {name: large}",
            "unknown kind 'InferencePol' (did you mean 'InferencePool'?)"},
           {"connectTimeout: 2s", "conectTimeout: 2s",
            "GatewayPolicy default/portal: spec.traffic.conectTimeout: unknown field (did you mean "
            "'connectTimeout'?)"},
           {"request: 30s", "request: 5s",
            "HTTPRoute default/portal: spec.rules[0].timeouts.backendRequest: is longer than "
            "request"},
           {"request: 30s", "request: 1.5s", "'1.5s' is no duration"},
           {"backendRefs: [{name: portal, port: 80}]", "backendRefs: [{name: portl, port: 80}]",
            "spec.rules[0].backendRefs[0]: there is no Service default/portl (did you mean "
            "'portal'?)"},
           {"backendRefs: [{name: portal, port: 80}]", "backendRefs: [{name: portal, port: 81}]",
            "Service portal has no port 81"},
           {"port: 8080, protocol: HTTP", "port: 8080, protocol: HTPS",
            "spec.listeners[0].protocol: 'HTPS' is none of HTTP, HTTPS (did you mean 'HTTPS'?)"},
           {"parentRefs: [{name: main}]", "parentRefs: [{name: man}]",
            "there is no Gateway default/man (did you mean 'main'?)"},
           {"{type: Exact, value: /old}", "{type: Exact, value: /old//x}",
            "spec.rules[1].matches[0].path.value: '/old//x' must begin with /"},
           {"{type: Exact, value: /old}", "{type: RegularExpression, value: '/old('}",
            "not a regular expression at byte"},
           {"value: llama-70b", "value: 70", "expected a string, got 70 (put it in quotes)"},
           {"replacePrefixMatch: /}", "replacePrefixMatch: '/a b'}",
            "replacePrefixMatch: must begin with / and consist of visible ASCII"},
           {"replacePrefixMatch: /}", "replacePrefixMatch: \"/\\r\\nevil: 1\"}",
            "replacePrefixMatch: must begin with / and consist of visible ASCII"},
           {"replaceFullPath: /portal", "replaceFullPath: 'http://evil/'",
            "replaceFullPath: must begin with / and consist of visible ASCII"},
           {"allowMethods: [GET, POST]", "allowMethods: [\"GET\\r\\nevil\"]",
            "is no header or method name"},
           {"statusCode: 301", "statusCode: 304", "304 is none of 301, 302, 303, 307, 308"},
           {"- type: CORS", "- type: COORS", "'COORS' is none of"},
           {"attempts: 2", "attempts: 0", "spec.rules[0].retry.attempts: 0 is outside 1 to 100"},
           {"type: LeastRequest", "type: LeastRequests", "(did you mean 'LeastRequest'?)"},
           {"gatewayClassName: nacelle", "gatewayClassName: naclle", "(did you mean 'nacelle'?)"},
           {"bodyBytes: 50Mi", "bodyBytes: 50MB", "'50MB' is no quantity"},
           {"\"127.0.0.1:9000\"", "\"127.0.0.1\"",
            "StaticEndpoints default/portal: spec.addresses[0]"},
           {"targetRefs: [{kind: Service, name: portal}]\n  traffic",
            "targetRefs: [{kind: Service, name: other}]\n  traffic",
            "there is no Service default/other"},
       }) {
    const auto model = with(row.from, row.to);
    ASSERT_FALSE(model) << row.to;
    EXPECT_NE(model.error().message().find(row.problem), std::string::npos)
        << row.to << "\n  gave: " << model.error().message();
    EXPECT_NE(model.error().message().find("example.yaml:"), std::string::npos);
  }
}

TEST(Config, AllMistakesAreListedAtOnce) {
  const auto model = parse_model({{"a.yaml",
                                   "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
                                   "spec: {ports: [{port: 0}, {prt: 1, port: 80}]}"},
                                  {"b.yaml", "kind: Gateway"}});
  ASSERT_FALSE(model);
  const std::string& text = model.error().message();
  EXPECT_NE(text.find("a.yaml: Service default/a: spec.ports[0].port: 0 is outside"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("spec.ports[1].prt: unknown field"), std::string::npos) << text;
  EXPECT_NE(text.find("b.yaml: apiVersion: is required"), std::string::npos) << text;
}

TEST(Config, ReferencesAcrossNamespacesNeedAGrant) {
  const std::string pool = "kind: InferencePool, name: small}]";
  const auto refused = with(pool, "kind: InferencePool, name: small, namespace: models}]");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("no ReferenceGrant in namespace models"),
            std::string::npos);
  std::string text = example();
  text.replace(text.find(pool), pool.size(),
               "kind: InferencePool, name: other, namespace: models}]");
  text += R"(
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: other, namespace: models}
spec: {targetPorts: [{number: 8000}]}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: routes, namespace: models}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: inference.networking.k8s.io, kind: InferencePool}]
)";
  const auto granted = parse_model({{"example.yaml", text}});
  EXPECT_TRUE(granted) << granted.error().message();
}

TEST(Config, ListenersOfOnePortDifferInHostname) {
  const std::string listener = "  - {name: http, port: 8080, protocol: HTTP}\n";
  const auto same = with(listener, listener + "  - {name: again, port: 8080, protocol: HTTP}\n");
  ASSERT_FALSE(same);
  EXPECT_NE(same.error().message().find("another listener with hostname ''"), std::string::npos);
  const auto other =
      with(listener,
           listener + "  - {name: api, port: 8080, protocol: HTTP, hostname: api.example.com}\n");
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_EQ(other->ports[0].listeners.size(), 2u);
}

TEST(Config, SecretsAreNotRepeatedInProblems) {
  const auto model = parse_model(
      {{"s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {key: 'not/base64!hunter2'}"}});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().message().find("hunter2"), std::string::npos);
  EXPECT_NE(model.error().message().find("data.key: is not base64"), std::string::npos);
}

TEST(Config, TheShortFormIsOnePoolOnOnePort) {
  const auto model =
      parse_model({{"gateway.yaml", "listen: 127.0.0.1:9\nendpoints: ['127.0.0.1:1']"}});
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->ports[0].address.port, 9);
  EXPECT_EQ(model->clusters[0].endpoints.size(), 1u);
  EXPECT_TRUE(model->rules[0].holds_body);
  EXPECT_FALSE(parse_model({{"gateway.yaml", "listen: 127.0.0.1:9"}}));
}

TEST(Documents, ScalarsHaveTheTypesOfTheCoreSchema) {
  const auto documents = parse_documents(
      "x", "{a: 1, b: '1', c: true, d: \"true\", e: 1.5, f: ~, g: 10s, h: null, i: 0x1f}");
  ASSERT_TRUE(documents);
  EXPECT_EQ(
      (*documents)[0].object.dump(),
      R"({"a":1,"b":"1","c":true,"d":"true","e":1.5,"f":null,"g":"10s","h":null,"i":"0x1f"})");
  EXPECT_FALSE(parse_documents("x", "{a: 1, a: 2}"));
  EXPECT_FALSE(parse_documents("x", "[: }"));
  EXPECT_FALSE(parse_documents("x", std::string(200, '[') + std::string(200, ']')));
}

TEST(Documents, DurationsAndQuantities) {
  EXPECT_EQ(*parse_duration("1h30m"), Duration(5400s));
  EXPECT_EQ(*parse_duration("0s"), Duration::zero());
  EXPECT_EQ(*parse_duration("1s500ms"), Duration(1500ms));
  for (const char* wrong : {"", "5", "-1s", "1d", "100000s", "1h1h1h1h1h", "1.5s", "1us"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  EXPECT_EQ(*parse_quantity("64Ki"), 65536u);
  EXPECT_FALSE(parse_quantity("9999999999999Gi"));
}

}  // namespace
}  // namespace nacelle::gateway
