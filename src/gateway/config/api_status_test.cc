#include "gateway/config/api_status.h"

#include <gtest/gtest.h>

#include "gateway/config/documents.h"
#include "kube/conditions.h"

namespace nacelle::gateway {
namespace {

using nlohmann::json;

constexpr std::string_view kObjects = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: nacelle, generation: 2}
spec: {controllerName: nacelle.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: istio}
spec: {controllerName: istio.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra, generation: 7}
spec:
  gatewayClassName: nacelle
  listeners:
  - {name: http, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: local, port: 8081, protocol: HTTP}
  - {name: one, port: 9000, protocol: HTTP, hostname: a.example}
  - {name: two, port: 9000, protocol: HTTP, hostname: a.example}
  - {name: secure, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: absent}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: theirs, namespace: infra}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: llm, namespace: ml}
spec:
  parentRefs:
  - {name: gw, namespace: infra, sectionName: http}
  - {name: gw, namespace: infra, sectionName: local}
  - {name: gw, namespace: infra, sectionName: nowhere}
  - {name: theirs, namespace: infra}
  rules:
  - backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llm}]
status:
  parents:
  - {controllerName: istio.io/gateway-controller, parentRef: {name: theirs, namespace: infra}, conditions: []}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: dangling, namespace: ml}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules:
  - backendRefs: [{name: gone, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: wrong, namespace: ml}
spec: {parentRefs: [{name: gw, namespace: infra}], rules: [{matches: [{path: {type: Sideways}}]}]}
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: llm, namespace: ml}
spec: {targetPorts: [{number: 8000}], selector: {matchLabels: {app: llm}}}
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: unused, namespace: ml}
spec: {targetPorts: [{number: 8000}], selector: {matchLabels: {app: llm}}}
)";

std::vector<ApiObject> parse(std::string_view text) {
  std::vector<ApiObject> out;
  auto documents = parse_documents("test", std::string(text));
  EXPECT_TRUE(documents) << documents.error().message();
  for (Document& document : *documents)
    out.push_back(std::make_shared<const json>(std::move(document.object)));
  return out;
}

struct Told {
  std::map<std::string, json> statuses;  // "Kind name"

  // "True Accepted" of a list of conditions.
  static std::string condition(const json& list, std::string_view type) {
    const kube::Conditions conditions(list, "");
    const json* found = conditions.find(type);
    if (found == nullptr) return "absent";
    return fmt::format("{} {}", kube::text_at(*found, {"status"}),
                       kube::text_at(*found, {"reason"}));
  }
  [[nodiscard]] std::string of(const std::string& object, std::string_view type) const {
    return condition(kube::list_at(statuses.at(object), {"conditions"}), type);
  }
  [[nodiscard]] const json& listener(const std::string& name) const {
    for (const json& one : statuses.at("Gateway gw")["listeners"]) {
      if (one["name"] == name) return one;
    }
    static const json kNone;
    return kNone;
  }
};

Told tell(const std::vector<ApiObject>& objects, const Status& in_force = {},
          const std::string& now = "2026-01-01T00:00:00Z",
          const std::vector<UnservedPort>& unserved = {}) {
  const ApiModel made = model_of_api(objects, {}, Settings());
  Told out;
  const StatusFacts facts{made.report, in_force, unserved, {"127.0.0.1"}, now};
  for (StatusWrite& write : statuses_of(objects, facts)) {
    out.statuses[std::string(kube::text_at(*write.object, {"kind"})) + " " +
                 kube::key_of(*write.object).name] = std::move(write.status);
  }
  return out;
}

TEST(ApiStatus, GatewaysAndListenersSayWhatIsServed) {
  const Told told = tell(parse(kObjects));
  EXPECT_EQ(told.of("GatewayClass nacelle", "Accepted"), "True Accepted");
  EXPECT_FALSE(told.statuses.contains("GatewayClass istio"));
  EXPECT_FALSE(told.statuses.contains("Gateway theirs"));
  EXPECT_EQ(told.of("Gateway gw", "Accepted"), "True ListenersNotValid");
  EXPECT_EQ(told.of("Gateway gw", "Programmed"), "True Programmed");
  EXPECT_EQ(told.statuses.at("Gateway gw")["conditions"][0]["observedGeneration"], 7);
  EXPECT_EQ(told.statuses.at("Gateway gw")["addresses"],
            json::parse(R"([{"type":"IPAddress","value":"127.0.0.1"}])"));
  struct Row {
    const char *listener, *accepted, *resolved, *conflicted, *programmed;
    int routes;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"http", "True Accepted", "True ResolvedRefs", "False NoConflicts", "True Programmed",
            2},
           {"local", "True Accepted", "True ResolvedRefs", "False NoConflicts", "True Programmed",
            0},
           {"one", "False HostnameConflict", "True ResolvedRefs", "True HostnameConflict",
            "False Invalid", 0},
           {"two", "False HostnameConflict", "True ResolvedRefs", "True HostnameConflict",
            "False Invalid", 0},
           {"secure", "True Accepted", "False InvalidCertificateRef", "False NoConflicts",
            "False Invalid", 0},
       }) {
    const json& listener = told.listener(row.listener);
    ASSERT_TRUE(listener.is_object()) << row.listener;
    const json& list = listener["conditions"];
    EXPECT_EQ(Told::condition(list, "Accepted"), row.accepted) << row.listener;
    EXPECT_EQ(Told::condition(list, "ResolvedRefs"), row.resolved) << row.listener;
    EXPECT_EQ(Told::condition(list, "Conflicted"), row.conflicted) << row.listener;
    EXPECT_EQ(Told::condition(list, "Programmed"), row.programmed) << row.listener;
    EXPECT_EQ(listener["attachedRoutes"], row.routes) << row.listener;
  }
}

TEST(ApiStatus, RoutesAnswerEachOfOurParentsAndLeaveTheRest) {
  const Told told = tell(parse(kObjects));
  const json& parents = told.statuses.at("HTTPRoute llm")["parents"];
  ASSERT_EQ(parents.size(), 4u);  // theirs first, as it was
  EXPECT_EQ(parents[0]["controllerName"], "istio.io/gateway-controller");
  const std::vector<std::string> accepted = {"True Accepted", "False NotAllowedByListeners",
                                             "False NoMatchingParent"};
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    EXPECT_EQ(Told::condition(parents[i + 1]["conditions"], "Accepted"), accepted[i]);
    EXPECT_EQ(Told::condition(parents[i + 1]["conditions"], "ResolvedRefs"), "True ResolvedRefs");
  }
  const json& dangling = told.statuses.at("HTTPRoute dangling")["parents"][0]["conditions"];
  EXPECT_EQ(Told::condition(dangling, "Accepted"), "True Accepted");
  EXPECT_EQ(Told::condition(dangling, "ResolvedRefs"), "False BackendNotFound");
  const json& wrong = told.statuses.at("HTTPRoute wrong")["parents"][0]["conditions"];
  EXPECT_EQ(Told::condition(wrong, "Accepted"), "False UnsupportedValue");
}

TEST(ApiStatus, PoolsNameTheGatewaysThatReachThem) {
  const Told told = tell(parse(kObjects));
  const json& parents = told.statuses.at("InferencePool llm")["parents"];
  ASSERT_EQ(parents.size(), 1u);
  EXPECT_EQ(parents[0]["parentRef"]["name"], "gw");
  EXPECT_EQ(Told::condition(parents[0]["conditions"], "Accepted"), "True Accepted");
  EXPECT_FALSE(told.statuses.contains("InferencePool unused"));
}

TEST(ApiStatus, WhatWasToldIsNotToldAgainAndTimesStay) {
  std::vector<ApiObject> objects = parse(kObjects);
  const Told first = tell(objects);
  for (ApiObject& object : objects) {
    const auto found =
        first.statuses.find(std::string(kube::text_at(*object, {"kind"})) + " " +
                            std::string(kube::text_at(*object, {"metadata", "name"})));
    if (found == first.statuses.end()) continue;
    json next = *object;
    next["status"] = found->second;
    object = std::make_shared<const json>(std::move(next));
  }
  EXPECT_TRUE(tell(objects, {}, "2026-02-02T00:00:00Z").statuses.empty());

  // A port that is taken: only what changes moves.
  const Told refused = tell(objects, unavailable("port 8080 is taken"), "2026-02-02T00:00:00Z");
  EXPECT_EQ(refused.of("Gateway gw", "Programmed"), "False Pending");
  const json& conditions = refused.statuses.at("Gateway gw")["conditions"];
  for (const json& condition : conditions) {
    EXPECT_EQ(condition["lastTransitionTime"],
              condition["type"] == "Programmed" ? "2026-02-02T00:00:00Z" : "2026-01-01T00:00:00Z");
  }
  EXPECT_TRUE(refused.statuses.at("Gateway gw")["addresses"].empty());
  EXPECT_FALSE(refused.statuses.contains("HTTPRoute llm"));
}

TEST(ApiStatus, AListenerWhosePortIsTakenSaysSoAndTheOthersServe) {
  const std::vector<ApiObject> objects = parse(kObjects);
  const std::string time = "2026-01-01T00:00:00Z";
  const UnservedPort taken{"0.0.0.0:8080", "PortUnavailable", "port 8080 is already in use"};
  const Told one = tell(objects, {}, time, {taken});
  const auto programmed = [&](const Told& told, const char* listener) {
    const kube::Conditions conditions(told.listener(listener)["conditions"], "");
    const json* found = conditions.find("Programmed");
    return std::string((*found)["reason"]) + ": " + std::string((*found)["message"]);
  };
  EXPECT_EQ(programmed(one, "http"), "PortUnavailable: port 8080 is already in use");
  EXPECT_EQ(programmed(one, "local"), "Programmed: requests are served");
  EXPECT_EQ(programmed(one, "one"), "Invalid: the listener is not served") << "that is older";
  EXPECT_EQ(one.of("Gateway gw", "Programmed"), "True Programmed");
  EXPECT_EQ(one.of("Gateway gw", "Accepted"), "True ListenersNotValid")
      << "nothing is wrong with it";
  EXPECT_FALSE(one.statuses.at("Gateway gw")["addresses"].empty());

  const UnservedPort other{"0.0.0.0:8081", "PortUnavailable", "cannot bind 0.0.0.0:8081"};
  const Told none = tell(objects, {}, time, {taken, other});
  EXPECT_EQ(none.of("Gateway gw", "Programmed"), "False PortUnavailable");
  EXPECT_TRUE(none.statuses.at("Gateway gw")["addresses"].empty());
  const Told refused = tell(objects, unavailable("no picker"), time, {taken});
  EXPECT_EQ(programmed(refused, "http"), "Pending: no picker");
}

}  // namespace
}  // namespace nacelle::gateway
