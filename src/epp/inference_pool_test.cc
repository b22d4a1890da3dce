#include "epp/inference_pool.h"

#include <gtest/gtest.h>

namespace nacelle::epp {
namespace {

using kube::Json;

Json pool_object() {
  return Json::parse(R"({
    "apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool",
    "metadata": {"name": "p", "namespace": "ml"},
    "spec": {"selector": {"matchLabels": {"app": "llm", "tier": "gpu"}},
             "targetPorts": [{"number": 8000}, {"number": 8001}],
             "endpointPickerRef": {"name": "p-epp", "failureMode": "FailOpen"}}})");
}

TEST(InferencePool, BothShapesAreRead) {
  const auto pool = parse_inference_pool(pool_object());
  ASSERT_TRUE(pool.ok()) << pool.error().message();
  EXPECT_EQ(pool->key.to_string(), "ml/p");
  EXPECT_EQ(pool->selector, "app=llm,tier=gpu");
  EXPECT_EQ(pool->ports, (std::vector<std::uint16_t>{8000, 8001}));
  EXPECT_EQ(pool->picker_service, "p-epp");
  EXPECT_TRUE(pool->fail_open);
  const auto old = parse_inference_pool(Json::parse(R"({
    "apiVersion": "inference.networking.x-k8s.io/v1alpha2", "metadata": {"name": "o", "namespace": "ml"},
    "spec": {"selector": {"app": "llm"}, "targetPortNumber": 8000, "extensionRef": {"name": "o-epp"}}})"));
  ASSERT_TRUE(old.ok()) << old.error().message();
  EXPECT_EQ(old->selector, "app=llm");
  EXPECT_EQ(old->picker_service, "o-epp");
}

TEST(InferencePool, WhatMakesNoSenseIsRefused) {
  const struct {
    const char* pointer;
    Json value;
    const char* why;
  } rows[] = {{"/spec/selector", nullptr, "the selector has no labels"},
              {"/spec/selector/matchLabels", Json::object(), "the selector has no labels"},
              {"/spec/targetPorts", nullptr, "no target port"},
              {"/spec/targetPorts/0/number", 0, "outside 1 to 65535"},
              {"/spec/targetPorts/0/number", "8000", "outside 1 to 65535"},
              {"/spec/targetPorts/1/number", 8000, "given twice"}};
  for (const auto& row : rows) {
    Json object = pool_object();
    object[Json::json_pointer(row.pointer)] = row.value;
    const auto pool = parse_inference_pool(object);
    ASSERT_FALSE(pool.ok()) << row.pointer;
    EXPECT_NE(pool.error().message().find(row.why), std::string::npos) << pool.error().message();
  }
}

// A ready pod, changed by a merge patch.
Json pod(const std::string& name, const std::string& patch = "{}") {
  Json out = Json::parse(R"({"metadata": {"labels": {"llm-d.ai/role": "decode"}},
    "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Initialized", "status": "True"},
                                                    {"type": "Ready", "status": "True"}]}})");
  out["metadata"]["name"] = name;
  out["metadata"]["namespace"] = "ml";
  out.merge_patch(Json::parse(patch));
  return out;
}

std::string endpoints_with(const std::vector<Json>& pods) {
  kube::Informer::Objects objects;
  for (const Json& one : pods) objects[kube::key_of(one)] = std::make_shared<const Json>(one);
  const auto pool = parse_inference_pool(pool_object());
  CHECK(pool.ok());
  std::string out;
  for (const router::FileEndpoint& endpoint : endpoints_of(*pool, objects)) {
    out += endpoint.name + "=" + endpoint.address + " ";
  }
  return out;
}

TEST(PodEndpoints, ReadyPodsTimesActivePorts) {
  const struct {
    const char* what;
    const char* patch;
    const char* endpoints;
  } rows[] = {
      {"every port", "{}", "a-rank-0=10.0.0.1:8000 a-rank-1=10.0.0.1:8001 "},
      {"being deleted", R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}})", ""},
      {"not ready", R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})", ""},
      {"no conditions", R"({"status":{"conditions":null}})", ""},
      {"no address", R"({"status":{"podIP":null}})", ""},
      {"a name as address", R"({"status":{"podIP":"node"}})", ""},
      {"IPv6", R"({"status":{"podIP":"fd00::1"}})",
       "a-rank-0=[fd00::1]:8000 a-rank-1=[fd00::1]:8001 "},
      {"active ports", R"({"metadata":{"annotations":{"llm-d.ai/active-ports":"8001, 9, x"}}})",
       "a-rank-1=10.0.0.1:8001 "},
      {"the old annotation",
       R"({"metadata":{"annotations":{"inference.networking.k8s.io/active-ports":"8000"}}})",
       "a-rank-0=10.0.0.1:8000 "},
      {"no port is active", R"({"metadata":{"annotations":{"llm-d.ai/active-ports":""}}})", ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(endpoints_with({pod("a", row.patch)}), row.endpoints) << row.what;
  }
  EXPECT_EQ(endpoints_with({pod("b"), pod("a")}),
            "a-rank-0=10.0.0.1:8000 a-rank-1=10.0.0.1:8001 ");  // one address counts once
}

}  // namespace
}  // namespace nacelle::epp
