#include "control/core/llmd/pool_address.h"

#include <gtest/gtest.h>

#include "control/core/llmd/pool_status.h"
#include "kube/yaml.h"

namespace nacelle::control::llmd {
namespace {

Json yaml(const std::string& text) { return *kube::json_of_yaml(text); }

Json service(const std::string& name, const std::string& model) {
  Json out = yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {namespace: team, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {model: {}}
)");
  out["metadata"]["name"] = name;
  out["metadata"]["uid"] = "uid-" + name;
  out["spec"]["model"]["id"] = model;
  return out;
}

// A pool, its services and the gateway; what is decided is carried out.
struct Scene {
  Json pool = yaml(R"(
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferencePool
metadata: {name: shared, namespace: team, uid: uid-pool}
spec: {services: [{name: a}, {name: b}, {name: c}], resourcePolicy: {gpuBudget: "4"}}
)");
  PoolObserved observed;
  std::vector<AddressAsk> asks;
  int writes = 0;

  Scene() {
    observed.services = {service("a", "org/one"), service("b", "two"), service("c", "two")};
    observed.front.emplace();
    PoolFront& front = *observed.front;
    front.own_gateway = true;
    front.gateway = yaml(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: kserve-ingress-gateway, namespace: kserve}
spec: {listeners: [{name: http, protocol: HTTP, port: 8080}]}
status: {addresses: [{type: IPAddress, value: 127.0.0.1}]}
)");
    front.answers.emplace();
  }

  Decision decide() {
    observed.pools = {pool};
    return decide_pool(pool, observed);
  }
  void settle() {
    for (int round = 0; round < 10; ++round) {
      const Decision decision = decide();
      asks = decision.asks;
      if (decision.actions.empty()) return;
      for (const Action& action : decision.actions) carry_out(action);
    }
    FAIL() << "does not settle";
  }
  void carry_out(const Action& action) {
    ++writes;
    std::vector<Json>& children = observed.front->children;
    if (const auto* apply = std::get_if<Apply>(&action)) {
      Json object = apply->object;
      if (object["kind"] == "Service") object["spec"]["clusterIP"] = "127.96.0.9";
      std::erase_if(children,
                    [&](const Json& child) { return target_of(child) == target_of(object); });
      children.push_back(std::move(object));
    } else if (const auto* removal = std::get_if<Delete>(&action)) {
      std::erase_if(children,
                    [&](const Json& child) { return target_of(child) == removal->target; });
    } else if (const auto* status = std::get_if<UpdateStatus>(&action)) {
      pool["status"] = status->object["status"];
    }
  }
  [[nodiscard]] Json child(std::string_view kind, std::string_view name) const {
    for (const Json& each : observed.front->children) {
      if (each["kind"] == kind && kube::key_of(each).name == name) return each;
    }
    return Json();
  }
  void answer_all() {
    for (const AddressAsk& ask : asks)
      observed.front->answers->insert_or_assign(ask.url, AddressAnswer{true, ""});
  }
  [[nodiscard]] std::string router() const {
    for (const Json& each : kube::list_at(pool, {"status", "conditions"})) {
      if (each["type"] == "RouterReady")
        return each.value("reason", "") + ": " + each.value("message", "");
    }
    return "absent";
  }
};

TEST(PoolAddress, TheModelOfARequestFindsItsServices) {
  Scene scene;
  scene.settle();
  const Json route = scene.child("HTTPRoute", "shared-pool-route");
  ASSERT_FALSE(route.is_null());
  EXPECT_FALSE(route["spec"].contains("hostnames"));
  EXPECT_EQ(route["spec"]["parentRefs"][0]["namespace"], "kserve");
  const Json& rules = route["spec"]["rules"];
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0]["matches"][0]["path"]["value"], "/pools/team/shared/v1/models");
  const auto header = [](const Json& match) { return match["headers"][0]["value"]; };
  EXPECT_EQ(header(rules[1]["matches"][0]), "org/one");
  EXPECT_EQ(header(rules[1]["matches"][1]), "publishers/team/models/org/one");
  EXPECT_EQ(rules[1]["matches"][0]["path"]["value"], "/pools/team/shared/v1");
  EXPECT_EQ(rules[1]["backendRefs"][0]["name"], "a-inference-pool");
  EXPECT_EQ(rules[1]["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"], "/v1");
  EXPECT_EQ(rules[2]["backendRefs"].size(), 2U) << "two services have the model";

  const Json cluster = scene.child("HTTPRoute", "shared-pool-cluster-route");
  EXPECT_EQ(cluster["spec"]["hostnames"],
            Json({"shared.team.svc.cluster.local", "shared.team.svc", "shared.team"}));
  EXPECT_EQ(cluster["spec"]["rules"][1]["matches"][0]["path"]["value"], "/v1");
  EXPECT_FALSE(cluster["spec"]["rules"][1].contains("filters"));
  EXPECT_EQ(scene.child("Service", "shared")["spec"]["ports"][0]["port"], 80);
  const Json slice = scene.child("EndpointSlice", "shared-pool-gateway");
  EXPECT_EQ(slice["endpoints"], yaml("[{addresses: [127.0.0.1], conditions: {ready: true}}]"));
  EXPECT_EQ(slice["ports"][0]["port"], 8080);
  EXPECT_EQ(slice["metadata"]["labels"]["kubernetes.io/service-name"], "shared");
  for (const auto& [key, value] : slice["metadata"]["labels"].items())
    EXPECT_EQ(value.get<std::string>().find('/'), std::string::npos)
        << "no value of a label: " << key;

  const Json policy = scene.child("GatewayPolicy", "shared-pool-models");
  EXPECT_EQ(policy["spec"]["targetRefs"].size(), 2U);
  const Json list = Json::parse(policy["spec"]["directResponse"]["body"].get<std::string>());
  ASSERT_EQ(list["data"].size(), 2U);
  EXPECT_EQ(list["data"][0],
            yaml("{id: org/one, object: model, created: 1767225600, owned_by: a}"));
}

TEST(PoolAddress, IsPublishedOnceItHasAnsweredAndThenNothingIsWritten) {
  Scene scene;
  scene.settle();
  EXPECT_FALSE(scene.pool["status"].contains("url"));
  EXPECT_EQ(scene.router(),
            "AddressNotAnswered: http://127.0.0.1:8080/pools/team/shared has not "
            "answered yet");
  ASSERT_EQ(scene.asks.size(), 2U);
  EXPECT_EQ(scene.asks[0].path, "/pools/team/shared/v1/models");
  EXPECT_EQ(scene.asks[1], (AddressAsk{.url = "http://shared.team.svc.cluster.local",
                                       .host = "127.96.0.9",
                                       .port = 80,
                                       .authority = "shared.team.svc.cluster.local",
                                       .path = "/v1/models"}));
  scene.answer_all();
  scene.settle();
  EXPECT_EQ(scene.pool["status"]["url"], "http://127.0.0.1:8080/pools/team/shared");
  EXPECT_EQ(scene.pool["status"]["addresses"][1],
            yaml("{name: cluster, url: 'http://shared.team.svc.cluster.local'}"));
  EXPECT_EQ(scene.router(), ": ");
  EXPECT_TRUE(scene.asks.empty());
  const int before = scene.writes;
  scene.observed.front->answers->clear();
  scene.settle();
  EXPECT_EQ(scene.writes, before);
}

TEST(PoolAddress, FollowsItsServices) {
  Scene scene;
  scene.settle();
  scene.observed.services.erase(scene.observed.services.begin() + 1, scene.observed.services.end());
  scene.settle();
  EXPECT_EQ(scene.child("HTTPRoute", "shared-pool-route")["spec"]["rules"].size(), 2U);
  scene.observed.services.clear();
  for (int i = 0; i < 40; ++i) {
    const std::string name = "s" + std::to_string(i);
    scene.observed.services.push_back(service(name, "model-" + name));
    scene.pool["spec"]["services"].push_back({{"name", name}});
  }
  scene.settle();
  std::size_t rules = 0;
  for (const char* name : {"shared-pool-route", "shared-pool-route-2", "shared-pool-route-3"}) {
    const Json route = scene.child("HTTPRoute", name);
    ASSERT_FALSE(route.is_null()) << name;
    EXPECT_LE(route["spec"]["rules"].size(), 16U);
    rules += route["spec"]["rules"].size();
  }
  EXPECT_EQ(rules, 41U);
  scene.observed.services.clear();
  scene.settle();
  EXPECT_TRUE(scene.child("HTTPRoute", "shared-pool-route-2").is_null());
  EXPECT_EQ(scene.child("HTTPRoute", "shared-pool-route")["spec"]["rules"].size(), 1U);
}

TEST(PoolAddress, SaysWhatIsInItsWay) {
  Scene without;
  without.observed.front->gateway = Json();
  without.settle();
  EXPECT_EQ(without.router(), "RefsInvalid: Gateway kserve/kserve-ingress-gateway does not exist");
  EXPECT_TRUE(without.observed.front->children.empty());

  Scene taken;
  taken.observed.front->children.push_back(yaml(R"(
apiVersion: v1
kind: Service
metadata: {name: shared, namespace: team, uid: x}
spec: {clusterIP: 127.96.0.1}
)"));
  taken.settle();
  taken.answer_all();
  taken.settle();
  EXPECT_EQ(taken.router(), "ReconcileError: Service shared is controlled by somebody else");
  EXPECT_TRUE(taken.child("EndpointSlice", "shared-pool-gateway").is_null())
      << "requests of the other Service do not come here";
  ASSERT_EQ(taken.pool["status"]["addresses"].size(), 1U) << "that of the gateway is there";

  Scene other;  // a gateway that is not ours lists no models
  other.observed.front->own_gateway = false;
  other.settle();
  EXPECT_TRUE(other.child("GatewayPolicy", "shared-pool-models").is_null());
  EXPECT_EQ(other.child("HTTPRoute", "shared-pool-route")["spec"]["rules"].size(), 2U);
  ASSERT_FALSE(other.asks.empty());
  EXPECT_TRUE(other.asks[0].any_answer);
}

}  // namespace
}  // namespace nacelle::control::llmd
