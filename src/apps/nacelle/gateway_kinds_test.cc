#include "apps/nacelle/gateway_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/yaml.h"

namespace nacelle::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> warnings(const std::string& kind, const char* yaml) {
  const kube::Admissions admissions = gateway_admissions();
  const auto found = admissions.find(kind);
  if (found == admissions.end()) return {"no admission"};
  kube::Json object = *kube::json_of_yaml(yaml);
  const kube::AdmissionAnswer answer = found->second(object, nullptr);
  EXPECT_TRUE(answer.causes.empty());
  return answer.warnings;
}

TEST(GatewayKinds, EveryFieldThatIsNotUsedIsAWarning) {
  EXPECT_THAT(
      warnings("gateways.gateway.networking.k8s.io", R"(
spec:
  addresses: [{value: 127.0.0.1}, {type: IPAddress, value: 127.0.0.2}]
  infrastructure: {labels: {a: b}}
  listeners:
  - {name: a, port: 80, protocol: HTTP}
  - {name: b, port: 443, protocol: HTTPS, tls: {options: {x: y}, certificateRefs: [{name: c, port: 3}]}}
)"),
      UnorderedElementsAre("spec.addresses[].type is not used", "spec.infrastructure is not used",
                           "spec.listeners[].tls.options is not used",
                           "spec.listeners[].tls.certificateRefs[].port is not used"));
  EXPECT_THAT(warnings("httproutes.gateway.networking.k8s.io", R"(
spec:
  rules:
  - backendRefs: [{name: a, port: 80, sectionName: x}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: b, port: 80}}}]
)"),
              ElementsAre("spec.rules[].backendRefs[].sectionName is not used"))
      << "the port of a mirror is that of its Service";
  EXPECT_THAT(warnings("gatewayclasses.gateway.networking.k8s.io",
                       "spec: {controllerName: a, parametersRef: {name: b}}"),
              ElementsAre("spec.parametersRef is not used"));
  for (const char* kind :
       {"gatewaypolicies.gateway.nacelle.dev", "staticendpoints.gateway.nacelle.dev"}) {
    EXPECT_THAT(warnings(kind, "spec: {targetRefs: [{name: a}, {name: b, port: 80}]}"),
                ElementsAre("spec.targetRefs[].port is not used"))
        << kind;
    EXPECT_THAT(warnings(kind, "spec: {targetRefs: [{name: a}]}"), IsEmpty()) << kind;
  }
}

}  // namespace
}  // namespace nacelle::apps
