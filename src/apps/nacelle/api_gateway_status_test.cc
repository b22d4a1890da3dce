// The data plane's words in the status of objects, in a real API server.
#include <gtest/gtest.h>

#include "apps/nacelle/api_gateway.h"
#include "kube/conditions.h"
#include "kube/local_transport.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::apps {
namespace {

using kube::Json;
using kube::testing::ApiFixture;

const std::string kGateways = "/apis/gateway.networking.k8s.io/v1/namespaces/ml/gateways";
const std::string kRoutes = "/apis/gateway.networking.k8s.io/v1/namespaces/ml/httproutes";
const std::string kPools = "/apis/inference.networking.k8s.io/v1/namespaces/ml/inferencepools";

class Follower {
 public:
  explicit Follower(ApiFixture& api)
      : loop_(api.runtime().loop(0)),
        transport_(std::make_shared<kube::LocalTransport>(loop_, api.server().handler())),
        client_(transport_, {.user_agent = "gateway"}),
        gateway_(client_, ApiGateway::Options{.settle = 1ms, .retry = 1ms},
                 [](gateway::GatewayModel) { return Status(); }) {
    async::run_blocking(loop_, start());
  }
  ~Follower() { async::run_blocking(loop_, stop()); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

 private:
  async::Task<void> start() {
    gateway_.start();
    co_return;
  }
  async::Task<void> stop() {
    co_await gateway_.stop();
    co_await transport_->stop();
  }

  async::Loop& loop_;
  std::shared_ptr<kube::LocalTransport> transport_;
  kube::Client client_;
  ApiGateway gateway_;
};

std::string condition_of(const Json& list, std::string_view type) {
  const kube::Conditions conditions(list, "");
  const Json* found = conditions.find(type);
  return found == nullptr ? "absent" : std::string(kube::text_at(*found, {"reason"}));
}

// The reason of a condition of the first parent.
std::string of_parent(ApiFixture& api, const std::string& path, std::string_view type) {
  const kube::testing::ApiReply reply = api.get(path);
  const Json& parents = kube::list_at(reply.body, {"status", "parents"});
  return parents.empty() ? "no parent"
                         : condition_of(kube::list_at(parents[0], {"conditions"}), type);
}

TEST(ApiGatewayStatus, ObjectsSayWhatBecameOfThem) {
  ApiFixture api;
  api.post("/api/v1/namespaces", Json::parse(R"({"metadata":{"name":"ml"}})"));
  const auto created = [](const kube::testing::ApiReply& reply) {
    return reply.status == 201 ? "" : reply.text;
  };
  EXPECT_EQ(created(api.post(kGateways, Json::parse(R"({
      "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"},
      "spec": {"gatewayClassName": "nacelle",
               "listeners": [{"name": "http", "port": 8080, "protocol": "HTTP"}]}})"))),
            "");
  EXPECT_EQ(created(api.post(kRoutes, Json::parse(R"({
      "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "llm"},
      "spec": {"parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [
        {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "llm"}]}]}})"))),
            "");
  const Follower follower(api);
  EXPECT_TRUE(api.eventually(
      [&] { return of_parent(api, kRoutes + "/llm", "ResolvedRefs") == "BackendNotFound"; }));
  EXPECT_EQ(of_parent(api, kRoutes + "/llm", "Accepted"), "Accepted");

  EXPECT_EQ(created(api.post(kPools, Json::parse(R"({
      "apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool",
      "metadata": {"name": "llm"},
      "spec": {"targetPorts": [{"number": 8000}], "selector": {"matchLabels": {"app": "llm"}},
               "endpointPickerRef": {"name": "llm-epp", "port": {"number": 9002}}}})"))),
            "");
  EXPECT_TRUE(api.eventually(
      [&] { return of_parent(api, kRoutes + "/llm", "ResolvedRefs") == "ResolvedRefs"; }));
  EXPECT_TRUE(
      api.eventually([&] { return of_parent(api, kPools + "/llm", "Accepted") == "Accepted"; }));
  EXPECT_TRUE(api.eventually([&] {
    const Json gateway = api.get(kGateways + "/gw").body;
    return condition_of(kube::list_at(gateway, {"status", "conditions"}), "Programmed") ==
               "Programmed" &&
           kube::list_at(gateway, {"status", "listeners"})[0]["attachedRoutes"] == 1;
  }));

  // Someone else's edit of our words is put right; nothing else is written.
  const std::string version(kube::version_of(api.get(kGateways + "/gw").body));
  api.patch(kRoutes + "/llm/status", Json::parse(R"({"status": {"parents": []}})"));
  EXPECT_TRUE(
      api.eventually([&] { return of_parent(api, kRoutes + "/llm", "Accepted") == "Accepted"; }));
  EXPECT_EQ(kube::version_of(api.get(kGateways + "/gw").body), version);
}

}  // namespace
}  // namespace nacelle::apps
