#include "epp/pool_discovery.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kube/testing/await.h"

namespace nacelle::epp {
namespace {

using kube::Json;
using kube::testing::FakeApiServer;

const std::string kPools = "/apis/inference.networking.k8s.io/v1/namespaces/ml/inferencepools";
const std::string kPods = "/api/v1/namespaces/ml/pods";
const std::string kObjectives = "/apis/llm-d.ai/v1alpha2/namespaces/ml/inferenceobjectives";
const std::string kOldObjectives =
    "/apis/inference.networking.x-k8s.io/v1alpha2/namespaces/ml/inferenceobjectives";

Json pool(const std::string& name, const std::string& service, const std::string& app = "llm") {
  return {{"apiVersion", "inference.networking.k8s.io/v1"},
          {"metadata", {{"name", name}, {"namespace", "ml"}}},
          {"spec",
           {{"selector", {{"matchLabels", {{"app", app}}}}},
            {"targetPorts", {{{"number", 8000}}}},
            {"endpointPickerRef", {{"name", service}}}}}};
}

Json pod(const std::string& name, const std::string& ip) {
  return {{"metadata", {{"name", name}, {"namespace", "ml"}}},
          {"status", {{"podIP", ip}, {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
}

Json objective(const std::string& name, Json priority) {
  return {{"metadata", {{"name", name}, {"namespace", "ml"}}}, {"spec", {{"priority", priority}}}};
}

// Keeps what it was told, as text.
struct Sink : PoolSink {
  explicit Sink(FakeApiServer& server) : server(server) {}
  void pool_found(const InferencePool& pool) override { note("found " + pool.key.name); }
  void pool_gone(const kube::ObjectKey& pool) override {
    endpoints.erase(pool.name);
    note("gone " + pool.name);
  }
  void endpoints_changed(const kube::ObjectKey& pool,
                         const std::vector<router::FileEndpoint>& now) override {
    std::string text;
    for (const auto& endpoint : now) text += endpoint.address + " ";
    endpoints[pool.name] = text;
    note("");
  }
  void objects_changed(const std::string&,
                       const router::objective::ObjectiveSet& objects) override {
    objectives.clear();
    for (const auto& one : objects.objectives) {
      objectives += one.name.name + "=" + std::to_string(one.priority) + " ";
    }
    note("");
  }
  void note(const std::string& what) {
    if (!what.empty()) log += what + ", ";
    server.activity().pulse();
  }

  FakeApiServer& server;
  std::string log, objectives;
  std::map<std::string, std::string> endpoints;
};

std::unique_ptr<kube::Client> client_of(FakeApiServer& server) {
  kube::ClientConfig config;
  CHECK(kube::set_server(fmt::format("http://127.0.0.1:{}", server.port()), config).ok());
  return std::move(*kube::Client::create(server.loop(), config));
}

async::Task<void> follow(FakeApiServer* server) {
  server->put(kPools, pool("a", "epp"));
  server->put(kPools, pool("other", "somebody"));
  server->put(kPods, pod("p0", "10.0.0.1"));
  server->put(kObjectives, objective("gold", 2));
  server->put(kObjectives, objective("broken", "high"));
  server->put(kOldObjectives, objective("gold", 9));
  server->put(kOldObjectives, objective("old", 1));
  Sink sink(*server);
  const auto client = client_of(*server);
  DiscoveryOptions options;
  options.name_space = "ml";
  options.picker_service = "epp";
  options.backoff = {1ms, 2ms, 1s};
  PoolDiscovery discovery(*client, options, sink, nullptr);
  discovery.start();
  NACELLE_AWAIT(discovery.synced() && sink.objectives == "gold=2 old=1 ");
  EXPECT_EQ(sink.log, "found a, ");
  EXPECT_EQ(sink.endpoints.at("a"), "10.0.0.1:8000 ");

  server->put(kPods, pod("p1", "10.0.0.2"));
  NACELLE_AWAIT(sink.endpoints["a"] == "10.0.0.1:8000 10.0.0.2:8000 ");
  Json leaving = pod("p0", "10.0.0.1");
  leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  server->put(kPods, leaving);
  NACELLE_AWAIT(sink.endpoints["a"] == "10.0.0.2:8000 ");

  // Another port, then another selector: the endpoints are never empty in between.
  Json changed = pool("a", "epp");
  changed["spec"]["targetPorts"][0]["number"] = 9000;
  server->put(kPools, changed);
  NACELLE_AWAIT(sink.endpoints["a"] == "10.0.0.2:9000 ");
  changed["spec"]["selector"]["matchLabels"]["app"] = "next";
  server->put(kPools, changed);
  NACELLE_AWAIT(std::any_of(server->requests().begin(), server->requests().end(),
                            [](const std::string& request) {
                              return request.find("labelSelector=app%3Dnext") != std::string::npos;
                            }));
  EXPECT_EQ(sink.endpoints["a"], "10.0.0.2:9000 ");

  // A pool that was broken by an edit goes on as it was; one that names another picker leaves.
  Json broken = changed;
  broken["spec"]["targetPorts"] = Json::array();
  server->put(kPools, broken);
  server->put(kPools, pool("other", "epp"));
  NACELLE_AWAIT(sink.log.ends_with("found other, "));
  EXPECT_TRUE(sink.endpoints.contains("a"));
  server->put(kPools, pool("a", "somebody"));
  NACELLE_AWAIT(sink.log.ends_with("gone a, "));
  server->remove(kPools, "other");
  NACELLE_AWAIT(sink.log.ends_with("gone other, "));
  EXPECT_FALSE(discovery.synced());
  co_await discovery.stop();
}

TEST(PoolDiscovery, PoolsPodsAndObjectsAreFollowed) {
  FakeApiServer server;
  async::run_blocking(server.loop(), follow(&server));
}

async::Task<void> fixed(FakeApiServer* server) {
  server->put(kPods, pod("p0", "10.0.0.1"));
  Sink sink(*server);
  const auto client = client_of(*server);
  DiscoveryOptions options;
  InferencePool pods;
  pods.key = {"ml", "fixed"};
  pods.selector = "app in (llm),tier!=test";
  pods.ports = {8000};
  options.fixed.push_back(pods);
  PoolDiscovery discovery(*client, options, sink, nullptr);
  discovery.start();
  NACELLE_AWAIT(discovery.synced());
  EXPECT_EQ(sink.endpoints.at("fixed"), "10.0.0.1:8000 ");
  co_await discovery.stop();
}

TEST(PoolDiscovery, ASelectorNeedsNoPoolObject) {
  FakeApiServer server;
  async::run_blocking(server.loop(), fixed(&server));
}

}  // namespace
}  // namespace nacelle::epp
