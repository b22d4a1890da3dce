#include "kube/pod.h"

#include <gtest/gtest.h>

namespace nacelle::kube {
namespace {

TEST(Pod, FieldsThatAPodSpecDoesNotHave) {
  Json spec = Json::parse(R"({
    "containers": [
      {"name": "a", "resources": {"limits": {"nvidia.com/gpu": 1}}},
      {"name": "b", "imagePullPolicies": "Always", "env": [{"name": "X", "values": "1"}],
       "securityContext": {"runAsNonRoot": true, "privileges": []}}],
    "replicas": 2})");
  EXPECT_EQ(
      remove_unknown_pod_fields(spec),
      (std::vector<std::string>{"containers[1].env[0].values", "containers[1].imagePullPolicies",
                                "containers[1].securityContext.privileges", "replicas"}));
  EXPECT_TRUE(remove_unknown_pod_fields(spec).empty()) << "they are gone";
  EXPECT_EQ(spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], 1);
  for (Json other : {Json(), Json::array({1})}) {
    EXPECT_TRUE(remove_unknown_pod_fields(other).empty());
  }
}

}  // namespace
}  // namespace nacelle::kube
