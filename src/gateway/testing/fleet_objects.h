// fleet_objects.h: the objects of an API that serves many models, for tests and benchmarks.
//
// Each service is what a controller makes of a model: a route, a pool with two pods that are ready,
// a Service with its EndpointSlice, all with status.
//
// Home:    values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/config/api_model.h"

namespace nacelle::gateway::testing {

inline ApiObject shared(nlohmann::json object) {
  return std::make_shared<const nlohmann::json>(std::move(object));
}

inline nlohmann::json named_object(const char* version, const char* kind, const std::string& name,
                                   nlohmann::json spec) {
  return {{"apiVersion", version},
          {"kind", kind},
          {"metadata",
           {{"name", name},
            {"namespace", "ml"},
            {"resourceVersion", "7"},
            {"creationTimestamp", "2026-01-01T00:00:00Z"},
            {"labels", {{"app.kubernetes.io/part-of", "fleet"}}}}},
          {"spec", std::move(spec)}};
}

inline ApiObject fleet_gateway() {
  return shared(
      named_object("gateway.networking.k8s.io/v1", "Gateway", "gw",
                   {{"gatewayClassName", "nacelle"},
                    {"listeners", {{{"name", "http"}, {"port", 8080}, {"protocol", "HTTP"}}}}}));
}

// Twelve rules, as KServe's controller makes of a model. `weight` tells one edition of the route
// from another.
inline ApiObject fleet_route(const std::string& name, int weight = 1) {
  using nlohmann::json;
  const json pool = {{"group", "inference.networking.k8s.io"},
                     {"kind", "InferencePool"},
                     {"name", name},
                     {"weight", weight}};
  const json service = {{"name", name}, {"port", 80}};
  json rules = json::array();
  const auto add = [&](const std::string& path, const json& backend) {
    json rule;
    rule["matches"][0]["path"] = {{"type", "PathPrefix"}, {"value", "/ml/" + name + path}};
    rule["filters"][0] = {
        {"type", "URLRewrite"},
        {"urlRewrite", {{"path", {{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", path}}}}}};
    rule["backendRefs"][0] = backend;
    rules.push_back(std::move(rule));
  };
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings",
                           "/v1/responses", "/v1/messages", "/v1/rerank", "/v1/score", "/pooling",
                           "/classify", "/tokenize", "/detokenize"}) {
    add(path, pool);
  }
  add("/", service);
  json spec;
  spec["parentRefs"][0]["name"] = "gw";
  spec["rules"] = std::move(rules);
  return shared(named_object("gateway.networking.k8s.io/v1", "HTTPRoute", name, std::move(spec)));
}

inline std::vector<ApiObject> fleet_objects(const std::string& name) {
  nlohmann::json slice = {
      {"apiVersion", "discovery.k8s.io/v1"},
      {"kind", "EndpointSlice"},
      {"metadata",
       {{"name", name}, {"namespace", "ml"}, {"labels", {{"kubernetes.io/service-name", name}}}}},
      {"addressType", "IPv4"},
      {"ports", {{{"name", ""}, {"port", 8000}, {"protocol", "TCP"}}}},
      {"endpoints", {{{"addresses", {"127.1.0.1"}}, {"conditions", {{"ready", true}}}}}}};
  return {fleet_route(name),
          shared(named_object("inference.networking.k8s.io/v1", "InferencePool", name,
                              {{"targetPorts", {{{"number", 8000}}}},
                               {"selector", {{"matchLabels", {{"app", name}, {"tier", "engine"}}}}},
                               {"endpointPickerRef", {{"name", "in-process"}}}})),
          shared(named_object(
              "v1", "Service", name,
              {{"selector", {{"app", name}}},
               {"ports", {{{"port", 80}, {"targetPort", 8000}, {"protocol", "TCP"}}}}})),
          shared(std::move(slice))};
}

inline ApiObject fleet_pod(const std::string& service, int index, bool ready = true) {
  nlohmann::json pod = named_object("v1", "Pod", fmt::format("{}-{}", service, index), {});
  pod["metadata"]["labels"] = {
      {"app", service}, {"tier", "engine"}, {"app.kubernetes.io/part-of", "fleet"}};
  pod["status"] = {
      {"podIP", fmt::format("127.1.{}.{}", std::hash<std::string>{}(service) % 250, index + 1)},
      {"conditions", {{{"type", "Ready"}, {"status", ready ? "True" : "False"}}}}};
  return shared(std::move(pod));
}

}  // namespace nacelle::gateway::testing
