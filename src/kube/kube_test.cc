// The pure parts: configurations, paths, errors, watch lines, waits.
#include <gtest/gtest.h>

#include "kube/api_error.h"
#include "kube/backoff.h"
#include "kube/client_config.h"
#include "kube/proxy.h"
#include "kube/resource.h"
#include "kube/time.h"
#include "kube/warning.h"
#include "kube/watch_decoder.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube {
namespace {

constexpr std::string_view kConfig = R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: east, user: bot, namespace: ml}}
- {name: two, context: {cluster: local}}
- {name: three, context: {cluster: east, user: plugin}}
- {name: four, context: {cluster: nowhere}}
- {name: five, context: {cluster: local, user: plugin}}
- {name: six, context: {cluster: east, user: asks}}
- {name: seven, context: {cluster: east, user: vendor}}
- {name: eight, context: {cluster: proxied}}
- {name: nine, context: {cluster: both}}
clusters:
- name: east
  cluster:
    server: "https://10.0.0.1:6443/east/"
    certificate-authority-data: aGVsbG8=
    tls-server-name: api
    extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: "7", count: 7, on: true}}]
- {name: proxied, cluster: {server: "https://a", proxy-url: "http://p"}}
- {name: both, cluster: {server: "https://a", insecure-skip-tls-verify: true, certificate-authority: ca}}
- {name: local, cluster: {server: "http://[::1]:8080"}}
users:
- {name: bot, user: {token: secret, tokenFile: run/token, client-certificate: c.pem, client-key: k.pem}}
- name: plugin
  user:
    as: alice
    as-groups: [a, b]
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./aws
      args: [eks, get-token]
      env: [{name: REGION, value: north}]
      provideClusterInfo: true
- {name: asks, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}}
- {name: vendor, user: {auth-provider: {name: gcp}}}
)";

TEST(Kubeconfig, TheCurrentContextIsRead) {
  const auto config = parse_kubeconfig(kConfig, "/etc/kube");
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->address, (net::HostPort{"10.0.0.1", 6443}));
  EXPECT_EQ(config->base_path, "/east");
  EXPECT_TRUE(config->tls);
  EXPECT_EQ(config->tls_config.ca.text, "hello");
  EXPECT_EQ(config->tls_config.server_name, "api");
  EXPECT_EQ(config->tls_config.certificate.file, "/etc/kube/c.pem");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->token_file, "/etc/kube/run/token");
  EXPECT_EQ(config->name_space, "ml");
}

TEST(Kubeconfig, AnotherContextAndWhatIsWrong) {
  const auto local = parse_kubeconfig(kConfig, "/etc/kube", "two");
  ASSERT_TRUE(local.ok()) << local.error().message();
  EXPECT_FALSE(local->tls);
  EXPECT_EQ(local->address, (net::HostPort{"::1", 8080}));
  EXPECT_EQ(local->name_space, "default");
  const struct {
    std::string text;
    const char* context;
    const char* why;
  } rows[] = {{std::string(kConfig), "four", "clusters has no entry 'nowhere'"},
              {std::string(kConfig), "five", "user.exec needs a server with https://"},
              {std::string(kConfig), "six", "interactiveMode '' is none of"},
              {std::string(kConfig), "seven", "auth-provider is not supported"},
              {std::string(kConfig), "eight", "proxy-url is not supported"},
              {std::string(kConfig), "nine", "insecure-skip-tls-verify goes without"},
              {std::string(kConfig), "ten", "contexts has no entry 'ten'"},
              {"[1]", "", "is a map"},
              {"kind: Config", "", "current-context is empty"},
              {"a: {b", "", "no YAML"}};
  for (const auto& row : rows) {
    const auto read = parse_kubeconfig(row.text, "/", row.context);
    ASSERT_FALSE(read.ok()) << row.why;
    EXPECT_NE(read.error().message().find(row.why), std::string::npos) << read.error().message();
  }
}

TEST(Kubeconfig, APluginIsRead) {
  const auto config = parse_kubeconfig(kConfig, "/etc/kube", "three");
  ASSERT_TRUE(config.ok()) << config.error().message();
  ASSERT_TRUE(config->exec.has_value());
  EXPECT_EQ(config->exec->command, "/etc/kube/./aws");
  EXPECT_EQ(config->exec->args, (std::vector<std::string>{"eks", "get-token"}));
  EXPECT_EQ(config->exec->environment.at(0),
            std::pair(std::string("REGION"), std::string("north")));
  EXPECT_EQ(config->exec->cluster_config.dump(), R"({"audience":"7","count":7,"on":true})");
  EXPECT_EQ(config->impersonate.user, "alice");
  EXPECT_EQ(config->impersonate.groups, (std::vector<std::string>{"a", "b"}));
}

TEST(Kubeconfig, SeveralFilesTheFirstWins) {
  const net::testing::TestFolder folder;
  const auto one = folder.write("a/one", R"(
current-context: x
users: [{name: u, user: {tokenFile: token}}]
)");
  const auto two = folder.write("two", R"(
current-context: y
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://a"}}]
users: [{name: u, user: {token: other}}]
)");
  const auto config = load_kubeconfigs("/nowhere:" + one.string() + "::" + two.string());
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->address.host, "a");
  EXPECT_EQ(config->token_file, folder.path() / "a" / "token");
  EXPECT_EQ(config->token, "");
  EXPECT_EQ(load_kubeconfigs("/nowhere").error().code(), Code::kNotFound);
}

TEST(Proxy, IsRefusedUnlessTheServerIsExempt) {
  ClientConfig config;
  ASSERT_TRUE(set_server("https://api.prod.example.com:6443", config).ok());
  EXPECT_TRUE(refuse_proxy(config, {}).ok());
  EXPECT_TRUE(refuse_proxy(config, {.http_proxy = "http://p"}).ok());
  const Status refused = refuse_proxy(config, {.https_proxy = "http://p", .no_proxy = "other"});
  EXPECT_EQ(refused.code(), Code::kUnimplemented);
  EXPECT_NE(refused.message().find("api.prod.example.com is not in NO_PROXY"), std::string::npos);
  const struct {
    const char* host;
    const char* no_proxy;
    bool directly;
  } rows[] = {
      {"api.prod.example.com", "example.com", true},
      {"api.prod.example.com", " .PROD.example.com ", true},
      {"api.prod.example.com", "*.example.com", true},
      {"api.prod.example.com", "prod.example", false},
      {"xexample.com", "example.com", false},
      {"example.com", ".example.com", false},
      {"example.com", "a, example.com:6443", true},
      {"example.com", "example.com:443", false},
      {"anything", "*", true},
      {"10.1.2.3", "10.0.0.0/8", true},
      {"10.1.2.3", "11.0.0.0/8,1.2.3", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"fd00::1", "fd00::/8", true},
      {"127.0.0.9", "", true},
      {"::1", "", true},
      {"localhost", "", true},
      {"", "x", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(goes_directly({row.host, 6443}, row.no_proxy), row.directly)
        << row.host << " " << row.no_proxy;
  }
}

TEST(Time, ReadsAndWritesObjectsTimes) {
  const auto time = parse_time("2026-11-21T01:21:47.083338Z");
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(to_micro_time(*time), "2026-11-21T01:21:47.083338Z");
  EXPECT_EQ(to_time(*time), "2026-11-21T01:21:47Z");
  EXPECT_EQ(to_micro_time(*parse_time("2026-11-21T01:21:47.5+01:30")),
            "2026-11-20T23:51:47.500000Z");
  EXPECT_EQ(parse_time("2026-11-21T01:21:47Z"), parse_time("2026-11-21t01:21:47.0000000009z"));
  for (const char* bad : {"", "2026-11-21", "2026-13-21T01:21:47Z", "2026-11-21T25:21:47Z",
                          "2026-11-21T01:21:47", "2026-11-21T01:21:47.Z", "2026-02-30T01:21:47Z",
                          "2026-11-21T01:21:47+1:30", "2026-11-21T01:21:4xZ"}) {
    EXPECT_FALSE(parse_time(bad).has_value()) << bad;
  }
}

TEST(Warning, OneTextPerField) {
  net::http::Headers headers;
  headers.add("Warning", R"(299 - "a \"b\" \\c")");
  headers.add("Warning", R"(299 - "a \"b\" \\c")");
  headers.add("Warning", R"(299 kube "second" "date")");
  for (const char* other : {"299 - unquoted", "299 - \"open", "110 - \"other\"", ""}) {
    headers.add("Warning", other);
  }
  EXPECT_EQ(warnings_of(headers), (std::vector<std::string>{"a \"b\" \\c", "second"}));
}

TEST(Kubeconfig, APodFindsItsServer) {
  const net::testing::TestFolder folder;
  EXPECT_EQ(in_cluster_config({"10.1.0.1", "443", folder.path()}).error().code(), Code::kNotFound);
  folder.write("token", "t\n");
  folder.write("namespace", "ml\n");
  const auto config = in_cluster_config({"fd00::1", "443", folder.path()});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->address, (net::HostPort{"fd00::1", 443}));
  EXPECT_EQ(config->name_space, "ml");
  EXPECT_EQ(config->token_file, folder.path() / "token");
  EXPECT_FALSE(in_cluster_config({"10.1.0.1", "0", folder.path()}).ok());
}

TEST(Resource, PathsAndQueries) {
  EXPECT_EQ(collection_path({"", "v1", "pods"}, ""), "/api/v1/pods");
  EXPECT_EQ(object_path({"apps", "v1", "deployments"}, "ns", "a b"),
            "/apis/apps/v1/namespaces/ns/deployments/a%20b");
  EXPECT_EQ(with_query("/p", {{"a", "x=1,y in (z)"}, {"b", ""}, {"c", "2"}}),
            "/p?a=x%3D1%2Cy%20in%20%28z%29&c=2");
  EXPECT_EQ(label_selector({{"app", "vllm"}, {"tier", ""}}), "app=vllm,tier=");
}

TEST(ApiError, ReadsStatusObjects) {
  const Json status = Json::parse(
      R"({"kind":"Status","status":"Failure","message":"slow down","reason":"TooManyRequests",
          "details":{"retryAfterSeconds":3,"causes":[{"reason":"ResourceVersionTooLarge"}]},"code":429})");
  const ApiError error = parse_api_error(500, status);
  EXPECT_EQ(error.code, 429);
  EXPECT_EQ(error.retry_after, 3s);
  EXPECT_TRUE(error.version_too_large);
  EXPECT_EQ(error.to_status().message(), "the API server answers 429 TooManyRequests: slow down");
  EXPECT_TRUE(is_failure(status));
  EXPECT_EQ(parse_api_error(503, Json("text"), "7").retry_after, 7s);
  EXPECT_EQ(parse_api_error(503, Json(), "soon").code, 503);
}

TEST(Object, ReadersTakeNothingForGranted) {
  const Json object = Json::parse(
      R"({"metadata":{"name":"a","generation":3.0,"labels":null},"items":null,"n":1e300,"b":true})");
  EXPECT_EQ(text_at(object, {"metadata", "name"}), "a");
  EXPECT_EQ(text_at(object, {"metadata", "name", "deeper"}), "");
  EXPECT_EQ(number_at(object, {"metadata", "generation"}), 3);
  EXPECT_FALSE(number_at(object, {"n"}).has_value());
  EXPECT_TRUE(list_at(object, {"items"}).empty());
  EXPECT_TRUE(map_at(object, {"metadata", "labels"}).empty());
  EXPECT_TRUE(bool_at(object, {"b"}));
  EXPECT_EQ(key_of(Json::array()).name, "");
}

// Every split of the bytes gives the same events.
TEST(WatchDecoder, AnySplitGivesTheSameEvents) {
  const std::string text =
      "{\"type\":\"ADDED\",\"object\":{\"a\":1}}\n\r\n"
      "{\"type\":\"BOOKMARK\",\"object\":{}}\n{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n";
  for (std::size_t at = 0; at <= text.size(); ++at) {
    WatchDecoder decoder;
    std::vector<WatchEvent> events;
    ASSERT_TRUE(decoder.feed(std::string_view(text).substr(0, at), events).ok());
    ASSERT_TRUE(decoder.feed(std::string_view(text).substr(at), events).ok());
    ASSERT_EQ(events.size(), 3u) << at;
    EXPECT_EQ(events[0].object.dump(), "{\"a\":1}");
    EXPECT_EQ(events[2].type, WatchEvent::Type::kError);
    EXPECT_EQ(decoder.held_bytes(), 0u);
  }
}

TEST(WatchDecoder, ALongLineEndsTheWatch) {
  WatchDecoder decoder(10);
  std::vector<WatchEvent> events;
  EXPECT_TRUE(decoder.feed("1234567", events).ok());
  EXPECT_EQ(decoder.feed("89012", events).code(), Code::kOutOfRange);
  EXPECT_EQ(decoder.feed("\n", events).code(), Code::kOutOfRange);
}

TEST(Backoff, DoublesToTheLongestAndForgets) {
  Backoff backoff({100ms, 350ms, 10s});
  TimePoint now{std::chrono::hours(1)};
  EXPECT_EQ(backoff.failed(now, 0), 100ms);
  EXPECT_EQ(backoff.failed(now, 0), 200ms);
  EXPECT_EQ(backoff.failed(now, 0), 350ms);
  const Duration longest = backoff.failed(now, ~std::uint64_t{0});
  EXPECT_GT(longest, 690ms);
  EXPECT_LT(longest, 700ms);
  now += 11s;
  EXPECT_EQ(backoff.failed(now, 0), 100ms);
}

}  // namespace
}  // namespace nacelle::kube
