#include "control/core/kserve/addresses.h"

#include <gtest/gtest.h>

#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

Json yaml(const char* text) { return *kube::json_of_yaml(text); }

constexpr const char* kPath = "http://203.0.113.7/team/chat";

// A service whose router and workload are ready.
struct Scene {
  Json service = yaml("metadata: {name: chat, namespace: team, uid: u}");
  Spec spec = parse_spec(yaml(R"(
model: {uri: "hf://a/b", name: b}
router: {route: {}, gateway: {}, scheduler: {}}
)"));
  GlobalConfig global;
  Platform platform;
  Observed observed;
  Json status = Json::object();
  kube::Conditions conditions{Json::array(), "2026-01-01T00:00:00Z"};
  std::vector<AddressAsk> asks;

  Scene() {
    observed.gateways.push_back(yaml(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: kserve}
spec: {listeners: [{name: http, protocol: HTTP, port: 80}]}
status: {addresses: [{value: "203.0.113.7"}]}
)"));
    observed.children.push_back(yaml(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat-kserve-route, namespace: team}
spec:
  parentRefs: [{name: front, namespace: kserve}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /team/chat/v1/completions}}]
    backendRefs: [{kind: InferencePool, name: chat-inference-pool}]
  - matches: [{path: {type: PathPrefix, value: /team/chat}}]
    backendRefs: [{kind: Service, name: chat-kserve-workload-svc}]
)"));
    observed.answers.emplace();
    conditions.set({"MainWorkloadReady", "True", "", ""});
    conditions.set({"WorkloadsReady", "True", "", ""});
    conditions.set({"RouterReady", "True", "", ""});
  }

  void publish() {
    const Owner owner{service, spec, global, platform};
    publish_addresses(owner, observed, status, conditions, asks);
  }
  [[nodiscard]] std::string url() const { return status.value("url", "none"); }
  [[nodiscard]] std::string why() const {
    const Json* router = conditions.find("RouterReady");
    return router->value("reason", "") + ": " + router->value("message", "");
  }
};

TEST(Addresses, OneThatNobodyHasAskedIsAskedAndNotPublished) {
  Scene scene;
  scene.publish();
  EXPECT_EQ(scene.url(), "none");
  EXPECT_FALSE(scene.status.contains("addresses"));
  EXPECT_EQ(scene.why(), "AddressNotAnswered: " + std::string(kPath) + " has not answered yet");
  ASSERT_EQ(scene.asks.size(), 1U);
  EXPECT_EQ(scene.asks[0], (AddressAsk{.url = kPath,
                                       .host = "203.0.113.7",
                                       .port = 80,
                                       .authority = "203.0.113.7",
                                       .path = "/team/chat/v1/models"}));
}

TEST(Addresses, OneThatHasAnsweredIsPublishedAndAskedUntilThatIsSeen) {
  Scene scene;
  scene.observed.answers->emplace(kPath, AddressAnswer{true, ""});
  scene.publish();
  EXPECT_EQ(scene.url(), kPath);
  EXPECT_EQ(scene.conditions.status("RouterReady"), "True");
  EXPECT_EQ(scene.asks.size(), 1U) << "or the answer would be forgotten before it is seen";
  scene.asks.clear();
  scene.observed.answers->clear();
  scene.publish();
  EXPECT_EQ(scene.url(), kPath) << "what the status publishes has answered";
  EXPECT_TRUE(scene.asks.empty()) << "a settled service is not asked, not by a new process either";
}

TEST(Addresses, WhatWasHeardInsteadIsTold) {
  Scene scene;
  const std::string heard = "GET http://203.0.113.7/team/chat/v1/models: 503";
  scene.observed.answers->emplace(kPath, AddressAnswer{false, heard});
  scene.publish();
  EXPECT_EQ(scene.url(), "none");
  EXPECT_EQ(scene.conditions.status("RouterReady"), "False");
  EXPECT_EQ(scene.why(), "AddressNotAnswered: " + heard);
}

TEST(Addresses, NobodyIsAskedBeforeAReplicaIsReady) {
  Scene scene;
  scene.conditions.set({"WorkloadsReady", "False", "Progressing", ""});
  scene.publish();
  EXPECT_TRUE(scene.asks.empty());
  EXPECT_EQ(scene.why(),
            "AddressNotAnswered: " + std::string(kPath) + " is asked when a replica is ready");
  // One that has answered stays while replicas come and go.
  scene.conditions.set({"RouterReady", "True", "", ""});
  scene.status["addresses"] = Json::array({{{"url", kPath}}});
  scene.publish();
  EXPECT_EQ(scene.url(), kPath);
  EXPECT_EQ(scene.conditions.status("RouterReady"), "True");
}

TEST(Addresses, WhereNobodyAsksAllArePublished) {
  Scene scene;
  scene.observed.answers.reset();
  scene.publish();
  EXPECT_EQ(scene.url(), kPath);
  EXPECT_EQ(scene.conditions.status("RouterReady"), "True");
}

TEST(Addresses, AnotherReasonIsNotCovered) {
  Scene scene;
  scene.conditions.set({"RouterReady", "False", "GatewaysNotReady", "front is not programmed"});
  scene.publish();
  EXPECT_EQ(scene.why(), "GatewaysNotReady: front is not programmed");
  EXPECT_TRUE(scene.asks.empty());
}

TEST(Addresses, AnyAnswerCountsWhereAModelWouldBeWokenOrTheRouteTakesOtherRequestsOnly) {
  Scene asleep;
  asleep.conditions.set({"MainWorkloadReady", "True", "ScaledToZero", ""});
  asleep.publish();
  ASSERT_EQ(asleep.asks.size(), 1U);
  EXPECT_TRUE(asleep.asks[0].any_answer);

  for (const char* match :
       {"{path: {value: /team/chat}, method: POST}", "{path: {type: Exact, value: /team/chat}}",
        "{path: {value: /team/chat}, headers: [{name: a, value: b}]}",
        "{path: {value: /team/chat/v1/completions}}"}) {
    Scene narrow;
    Json& rules = narrow.observed.children[0]["spec"]["rules"];
    rules.erase(0);
    rules[0]["matches"] = Json::array({yaml(match)});
    narrow.publish();
    ASSERT_EQ(narrow.asks.size(), 1U) << match;
    EXPECT_TRUE(narrow.asks[0].any_answer) << match;
  }
}

TEST(Addresses, AGatewayIsAskedWhereItListensByTheNameThatIsPublished) {
  Scene scene;
  scene.observed.gateways[0]["spec"]["listeners"][0] =
      yaml("{name: https, protocol: HTTPS, port: 8443, hostname: '*.example.com'}");
  scene.publish();
  ASSERT_EQ(scene.asks.size(), 1U);
  EXPECT_EQ(scene.asks[0], (AddressAsk{.url = "https://inference.example.com:8443/team/chat",
                                       .host = "203.0.113.7",
                                       .port = 8443,
                                       .authority = "inference.example.com:8443",
                                       .tls = true,
                                       .path = "/team/chat/v1/models"}));
  // Nobody answers us where clients must show a certificate.
  Scene mutual;
  mutual.observed.gateways = scene.observed.gateways;
  mutual.observed.gateways[0]["spec"]["tls"]["frontend"] = yaml("{default: {validation: {}}}");
  mutual.publish();
  EXPECT_TRUE(mutual.asks.empty());
  EXPECT_EQ(mutual.url(), "https://inference.example.com:8443/team/chat");
}

TEST(Addresses, WhatNoUrlHoldsIsPercentEncoded) {
  Scene scene;
  Json& rules = scene.observed.children[0]["spec"]["rules"];
  rules[0]["matches"][0]["path"]["value"] = "/publishers/team/models/a b/50%/%20/\xc3\xbc?";
  scene.observed.gateways[0]["status"]["addresses"][0]["value"] = "2001:db8::1";
  scene.observed.gateways[0]["spec"]["listeners"][0]["port"] = 8080;
  scene.observed.answers.reset();
  scene.publish();
  ASSERT_EQ(scene.status["addresses"].size(), 2U);
  EXPECT_EQ(scene.url(), "http://[2001:db8::1]:8080/team/chat");
  EXPECT_EQ(scene.status["addresses"][1]["url"],
            "http://[2001:db8::1]:8080/publishers/team/models/a%20b/50%25/%20/%C3%BC%3F");
}

TEST(Addresses, OneSilentGatewayDoesNotHideTheOther) {
  Scene scene;
  Json other = scene.observed.gateways[0];
  other["metadata"]["name"] = "back";
  other["status"]["addresses"][0]["value"] = "198.51.100.1";
  scene.observed.gateways.push_back(std::move(other));
  scene.observed.children[0]["spec"]["parentRefs"].push_back(
      yaml("{name: back, namespace: kserve}"));
  scene.observed.answers->emplace("http://198.51.100.1/team/chat", AddressAnswer{true, ""});
  scene.publish();
  EXPECT_EQ(scene.url(), "http://198.51.100.1/team/chat");
  EXPECT_EQ(scene.status["addresses"].size(), 1U);
  EXPECT_EQ(scene.asks.size(), 2U);
  EXPECT_EQ(scene.conditions.status("RouterReady"), "True");
}

TEST(Addresses, TheOneOfAServiceAloneIsNobodysGateway) {
  Scene scene;
  scene.spec.router = Json();
  scene.publish();
  EXPECT_TRUE(scene.asks.empty());
  EXPECT_EQ(scene.status["addresses"][0]["url"],
            "http://chat-kserve-workload-svc.team.svc.cluster.local:8000");
}

}  // namespace
}  // namespace nacelle::control::kserve
