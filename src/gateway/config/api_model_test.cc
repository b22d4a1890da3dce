#include "gateway/config/api_model.h"

#include <gtest/gtest.h>

#include "gateway/config/documents.h"

namespace nacelle::gateway {
namespace {

constexpr std::string_view kObjects = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra, uid: "1", managedFields: []}
spec:
  gatewayClassName: nacelle
  listeners:
  - {name: http, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - name: https
    port: 8443
    protocol: HTTPS
    tls: {certificateRefs: [{name: no-such-secret}]}
status: {conditions: []}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: llm, namespace: ml}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules:
  - backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llm}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: dangling, namespace: ml}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules:
  - matches: [{path: {value: /gone}}]
    backendRefs: [{name: gone, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: wrong, namespace: ml}
spec: {parentRefs: [{name: gw, namespace: infra}], rules: [{matches: [{path: {type: Sideways}}]}]}
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: llm, namespace: ml}
spec:
  targetPorts: [{number: 8000}]
  selector: {matchLabels: {app: llm}}
  endpointPickerRef: {name: in-process}
)";

std::string pod(std::string_view name, std::string_view labels, std::string_view ip,
                std::string_view ready, std::string_view more = "") {
  return fmt::format(
      "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: ml, labels: {}{}}}\n"
      "status: {{podIP: {}, conditions: [{{type: Initialized, status: \"True\"}}, "
      "{{type: Ready, status: \"{}\"}}]}}\n",
      name, labels, more, ip, ready);
}

ApiModel model_of(const std::string& text) {
  std::vector<ApiObject> objects, pods;
  auto documents = parse_documents("test", text);
  EXPECT_TRUE(documents) << documents.error().message();
  for (Document& document : *documents) {
    auto& list = document.object["kind"] == "Pod" ? pods : objects;
    list.push_back(std::make_shared<const nlohmann::json>(std::move(document.object)));
  }
  return model_of_api(objects, pods, Settings());
}

TEST(ApiModel, ServesWhatHoldsAndTellsTheRest) {
  const ApiModel made = model_of(std::string(kObjects));
  // The listener without a certificate must not serve in clear text.
  ASSERT_EQ(made.model.ports.size(), 1u);
  EXPECT_EQ(made.model.ports[0].address.port, 8080);
  ASSERT_EQ(made.model.rules.size(), 2u);  // not the route that cannot be read
  ASSERT_EQ(made.model.rules[0].backends.size(), 1u);
  EXPECT_NE(made.model.rules[0].backends[0].cluster, kNoCluster);
  EXPECT_EQ(made.model.rules[1].backends[0].cluster, kNoCluster);  // answers 500
  for (const char* part : {"no-such-secret", "HTTPRoute ml/wrong", "Service ml/gone"})
    EXPECT_NE(made.left_out.find(part), std::string::npos) << part << " in " << made.left_out;
}

TEST(ApiModel, PoolsHoldTheReadyPodsOfTheirLabelsAndNamespace) {
  std::string text(kObjects);
  EXPECT_TRUE(model_of(text).model.clusters.at(0).endpoints.empty());
  EXPECT_TRUE(model_of(text).model.clusters.at(0).discovered);
  text += pod("a", "{app: llm, extra: x}", "127.1.0.1", "True");
  text += pod("b", "{app: llm}", "127.1.0.2", "False");
  text += pod("c", "{app: other}", "127.1.0.3", "True");
  text += pod("d", "{app: llm}", "127.1.0.4", "True", ", deletionTimestamp: 2026-01-01T00:00:00Z");
  text += pod("e", "{app: llm}", "", "True");
  text += pod("f", "{app: llm}", "127.1.0.6", "True");
  EXPECT_EQ(model_of(text).model.clusters.at(0).endpoints,
            (std::vector<std::string>{"127.1.0.1:8000", "127.1.0.6:8000"}));
}

TEST(ApiModel, AReaderReadsAnObjectOnceAndForgetsItWhenItGoes) {
  std::vector<std::shared_ptr<nlohmann::json>> written;
  auto documents = parse_documents("test", kObjects);
  ASSERT_TRUE(documents);
  for (Document& document : *documents)
    written.push_back(std::make_shared<nlohmann::json>(std::move(document.object)));
  std::vector<ApiObject> objects(written.begin(), written.end());
  ApiReader reader;
  const auto tells = [&](const char* what) {
    return reader.model(objects, {}, Settings()).left_out.find(what) != std::string::npos;
  };
  EXPECT_TRUE(tells("Service ml/gone"));
  // Nobody writes into an object that is shared: here it shows that it is not read again.
  (*written[2])["spec"]["rules"][0]["backendRefs"][0]["name"] = "lost";
  EXPECT_TRUE(tells("Service ml/gone"));
  objects[2] = std::make_shared<const nlohmann::json>(*written[2]);
  EXPECT_TRUE(tells("Service ml/lost"));
  EXPECT_FALSE(tells("Service ml/gone"));
  EXPECT_EQ(written[2].use_count(), 1) << "the reader let go of it";
  EXPECT_TRUE(tells("HTTPRoute ml/wrong")) << "what cannot be read is told each time";
}

TEST(ApiModel, NothingIsAModelWithoutPorts) {
  const ApiModel made = model_of("");
  EXPECT_TRUE(made.model.ports.empty());
  EXPECT_EQ(made.left_out, "");
}

}  // namespace
}  // namespace nacelle::gateway
