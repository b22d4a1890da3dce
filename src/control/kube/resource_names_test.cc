#include "control/kube/resource_names.h"

#include <gtest/gtest.h>

#include <utility>

namespace nacelle::control {
namespace {

TEST(ResourceNames, ArePlurals) {
  const std::pair<const char*, const char*> kinds[] = {
      {"Pod", "pods"},
      {"Ingress", "ingresses"},
      {"NetworkPolicy", "networkpolicies"},
      {"Gateway", "gateways"},
      {"Endpoints", "endpoints"},
      {"EndpointSlice", "endpointslices"},
      {"StorageClass", "storageclasses"},
      {"HorizontalPodAutoscaler", "horizontalpodautoscalers"},
      {"LLMInferenceService", "llminferenceservices"}};
  for (const auto& [kind, plural] : kinds) EXPECT_EQ(plural_of(kind), plural);
  EXPECT_EQ(resource_of("v1", "Pod"), (kube::Resource{"", "v1", "pods"}));
  EXPECT_EQ(resource_of("apps/v1", "Deployment"), (kube::Resource{"apps", "v1", "deployments"}));
}

}  // namespace
}  // namespace nacelle::control
