#include "control/kube/node/pod_writer.h"

#include <gtest/gtest.h>

#include "control/kube/node/kube_inputs.h"

namespace nacelle::control::node {
namespace {

using kube::Json;

TEST(PodWriter, ConditionsOfOthersStay) {
  const Json object = Json::parse(R"({"status":{"phase":"Pending","reason":"old","conditions":[
      {"type":"Ready","status":"False"},{"type":"DisruptionTarget","status":"True"},
      {"type":"example.com/gate","status":"True"}]}})");
  const Json ours = Json::parse(R"({"phase":"Running","conditions":[
      {"type":"Ready","status":"True"},{"type":"DisruptionTarget","status":"False"}]})");
  EXPECT_EQ(merged_status(object, ours), Json::parse(R"({"phase":"Running","conditions":[
      {"type":"Ready","status":"True"},{"type":"DisruptionTarget","status":"False"},
      {"type":"example.com/gate","status":"True"}]})"));
  EXPECT_EQ(merged_status(Json::object(), Json::object()), Json::parse(R"({"conditions":[]})"));
}

TEST(KubeInputs, WhatAPodRefersTo) {
  const Json pod = Json::parse(R"({"metadata":{"namespace":"ns"},"spec":{
      "volumes":[{"name":"a","configMap":{"name":"cm"}},{"name":"b","secret":{"secretName":"s"}},
                 {"name":"c","persistentVolumeClaim":{"claimName":"data"}},
                 {"name":"d","projected":{"sources":[{"secret":{"name":"s2"}},{"configMap":{"name":"cm"}}]}}],
      "initContainers":[{"envFrom":[{"configMapRef":{"name":"cm2"}},{"secretRef":{"name":"s3"}}]}],
      "containers":[{"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s4","key":"k"}}},
                            {"name":"B","value":"x"}]}]}})");
  EXPECT_EQ(input_keys(pod), (std::vector<std::string>{
                                 "claim/ns/data", "configmap/ns/cm", "configmap/ns/cm2",
                                 "secret/ns/s", "secret/ns/s2", "secret/ns/s3", "secret/ns/s4"}));
  EXPECT_TRUE(input_keys(Json::parse(R"({"spec":{"volumes":null,"containers":[{}]}})")).empty());
}

}  // namespace
}  // namespace nacelle::control::node
