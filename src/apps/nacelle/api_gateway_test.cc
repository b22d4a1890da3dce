#include "apps/nacelle/api_gateway.h"

#include <gtest/gtest.h>

#include "async/timer.h"
#include "base/check.h"
#include "kube/testing/await.h"

namespace nacelle::apps {
namespace {

using kube::Json;
using kube::testing::FakeApiServer;

const std::string kGateways = "/apis/gateway.networking.k8s.io/v1/gateways";
const std::string kRoutes = "/apis/gateway.networking.k8s.io/v1/httproutes";
const std::string kPools = "/apis/inference.networking.k8s.io/v1/inferencepools";
const std::string kPods = "/api/v1/pods";

Json named(const char* name, Json spec) {
  return {{"metadata", {{"name", name}, {"namespace", "ml"}}}, {"spec", std::move(spec)}};
}

Json gateway_object() {
  return named("gw", {{"gatewayClassName", "nacelle"},
                      {"listeners", {{{"name", "http"}, {"port", 8080}, {"protocol", "HTTP"}}}}});
}

Json route_object() {
  return named("llm", {{"parentRefs", {{{"name", "gw"}}}},
                       {"rules",
                        {{{"backendRefs",
                           {{{"group", "inference.networking.k8s.io"},
                             {"kind", "InferencePool"},
                             {"name", "llm"}}}}}}}});
}

Json pool_object() {
  return named("llm", {{"targetPorts", {{{"number", 8000}}}},
                       {"selector", {{"matchLabels", {{"app", "llm"}}}}}});
}

Json pod_object(const char* name, const char* ip, const char* ready) {
  Json pod = named(name, Json::object());
  pod["metadata"]["labels"] = {{"app", "llm"}};
  pod["status"] = {{"podIP", ip}, {"conditions", {{{"type", "Ready"}, {"status", ready}}}}};
  return pod;
}

ApiGateway::Options without_statuses() {
  return {.settings = {}, .settle = 1ms, .retry = 1ms, .tell_statuses = false, .addresses = {}};
}

struct Follower {
  explicit Follower(FakeApiServer& server) : server(server) {
    kube::ClientConfig config;
    CHECK(kube::set_server(fmt::format("http://127.0.0.1:{}", server.port()), config).ok());
    client = std::move(*kube::Client::create(server.loop(), config));
    follower = std::make_unique<ApiGateway>(*client, without_statuses(),
                                            [this](gateway::GatewayModel model) {
                                              last = std::move(model);
                                              ++calls;
                                              this->server.activity().pulse();
                                              if (refuse-- > 0)
                                                return Status(unavailable("port 8080 is taken"));
                                              return Status();
                                            });
  }
  [[nodiscard]] std::vector<std::string> endpoints() const {
    return last.clusters.empty() ? std::vector<std::string>{"no pool"} : last.clusters[0].endpoints;
  }

  FakeApiServer& server;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<ApiGateway> follower;
  gateway::GatewayModel last;
  int calls = 0, refuse = 0;
};

void put_all(FakeApiServer& server) {
  server.put(kGateways, gateway_object());
  server.put(kRoutes, route_object());
  server.put(kPools, pool_object());
  server.put(kPods, pod_object("a", "127.1.0.1", "False"));
}

async::Task<void> follow_pods(FakeApiServer* server) {
  put_all(*server);
  Follower one(*server);
  one.follower->start();
  NACELLE_AWAIT(one.follower->applied() == 1);
  EXPECT_EQ(one.last.ports.size(), 1u);
  EXPECT_EQ(one.endpoints(), std::vector<std::string>());

  server->put(kPods, pod_object("a", "127.1.0.1", "True"));
  NACELLE_AWAIT(one.endpoints() == std::vector<std::string>{"127.1.0.1:8000"});
  // Nothing that the data plane reads: no model is made of it, and the next one is of what follows.
  const int before = one.calls;
  Json told = route_object();
  told["status"] = {{"parents", Json::array()}};
  server->put(kRoutes, told);
  Json pod = pod_object("a", "127.1.0.1", "True");
  pod["status"]["message"] = "fine";
  server->put(kPods, pod);
  server->put(kPods, pod_object("b", "127.1.0.2", "True"));
  NACELLE_AWAIT(one.endpoints().size() == 2);
  EXPECT_EQ(one.calls, before + 1);

  server->remove(kPods, "a");
  NACELLE_AWAIT(one.endpoints() == std::vector<std::string>{"127.1.0.2:8000"});
  server->remove(kRoutes, "llm");
  NACELLE_AWAIT(one.last.rules.empty());
  co_await one.follower->stop();
}

TEST(ApiGateway, FollowsPodsAndRoutesAndNoStatus) {
  FakeApiServer server;
  async::run_blocking(server.loop(), follow_pods(&server));
}

async::Task<void> refuse_twice(FakeApiServer* server) {
  put_all(*server);
  Follower one(*server);
  one.refuse = 2;
  one.follower->start();
  NACELLE_AWAIT(one.follower->applied() == 1);
  EXPECT_EQ(one.calls, 3);
  co_await one.follower->stop();
}

TEST(ApiGateway, TriesAgainAfterARefusal) {
  FakeApiServer server;
  async::run_blocking(server.loop(), refuse_twice(&server));
}

async::Task<void> wait_for_a_port(FakeApiServer* server) {
  put_all(*server);
  std::vector<gateway::UnservedPort> missing = {{"0.0.0.0:8080", "PortUnavailable", "taken"}};
  int tries = 0;
  Follower one(*server);
  one.follower = std::make_unique<ApiGateway>(
      *one.client, without_statuses(), [](gateway::GatewayModel) { return Status(); },
      [&](ApiGateway::Try how) {
        if (how == ApiGateway::Try::kAgain && ++tries == 3) missing.clear();
        server->activity().pulse();
        return missing;
      });
  one.follower->start();
  NACELLE_AWAIT(tries == 3);
  EXPECT_EQ(one.follower->applied(), 1u) << "ports are tried without a new model";
  co_await async::sleep_for(20ms);
  EXPECT_EQ(tries, 3) << "nobody tries what is served";
  co_await one.follower->stop();
}

TEST(ApiGateway, TriesPortsAgainUntilTheyAreServed) {
  FakeApiServer server;
  async::run_blocking(server.loop(), wait_for_a_port(&server));
}

async::Task<void> wait_for_every_list(FakeApiServer* server) {
  put_all(*server);
  server->answer_next(500, "{}", 3);
  Follower one(*server);
  one.follower->start();
  NACELLE_AWAIT(one.follower->applied() == 1);
  EXPECT_EQ(one.calls, 1);  // not one per list
  EXPECT_EQ(one.last.rules.size(), 1u);
  co_await one.follower->stop();
}

TEST(ApiGateway, AppliesNothingBeforeEveryListIsThere) {
  FakeApiServer server;
  async::run_blocking(server.loop(), wait_for_every_list(&server));
}

}  // namespace
}  // namespace nacelle::apps
