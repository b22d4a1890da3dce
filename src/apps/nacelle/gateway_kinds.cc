#include "apps/nacelle/gateway_kinds.h"

namespace nacelle::apps {

using kube::Json;

namespace {

Json open_object(const char* says) {
  return {
      {"type", "object"}, {"description", says}, {"x-kubernetes-preserve-unknown-fields", true}};
}

Json definition(const char* plural, const char* kind, const char* says, Json spec) {
  Json targets = {{"type", "array"},
                  {"description",
                   "what it is about: a Service, InferencePool, Backend or HTTPRoute "
                   "of the same namespace"},
                  {"items",
                   {{"type", "object"},
                    {"required", {"kind", "name"}},
                    {"properties",
                     {{"group", {{"type", "string"}}},
                      {"kind", {{"type", "string"}}},
                      {"name", {{"type", "string"}}},
                      {"sectionName", {{"type", "string"}}}}}}}};
  spec["targetRefs"] = std::move(targets);
  const std::string singular = [&] {
    std::string out(kind);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  }();
  Json schema = {
      {"type", "object"},
      {"description", says},
      {"properties",
       {{"apiVersion", {{"type", "string"}}},
        {"kind", {{"type", "string"}}},
        {"metadata", {{"type", "object"}}},
        {"spec",
         {{"type", "object"}, {"required", {"targetRefs"}}, {"properties", std::move(spec)}}},
        {"status", open_object("what became of it")}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", std::string(plural) + ".gateway.nacelle.dev"}}},
          {"spec",
           {{"group", "gateway.nacelle.dev"},
            {"scope", "Namespaced"},
            {"names",
             {{"plural", plural},
              {"singular", singular},
              {"kind", kind},
              {"listKind", std::string(kind) + "List"}}},
            {"versions",
             {{{"name", "v1alpha1"},
               {"served", true},
               {"storage", true},
               {"subresources", {{"status", Json::object()}}},
               {"schema", {{"openAPIV3Schema", std::move(schema)}}}}}}}}};
}

}  // namespace

std::vector<Json> gateway_custom_resource_definitions() {
  const Json text = {{"type", "string"}};
  Json policy;
  policy["picker"] = open_object("how an endpoint of an InferencePool is picked");
  policy["traffic"] = open_object("balancing, outlier ejection and circuit breaking of a backend");
  policy["retry"] = open_object("retries of a route");
  policy["timeouts"] = {{"type", "object"},
                        {"description", "waits of a route: durations such as 30s"},
                        {"properties", {{"firstByte", text}, {"streamIdle", text}}}};
  policy["resumeStreams"] = {{"type", "boolean"},
                             {"description", "streams of an engine that is lost go on elsewhere"}};
  policy["body"] = {{"type", "string"},
                    {"enum", {"Auto", "Held"}},
                    {"description", "Held: a request waits in the gateway until it is whole"}};
  policy["priorities"] = {
      {"type", "array"},
      {"description", "backends of a lower level serve when those above cannot"},
      {"items",
       {{"type", "object"},
        {"required", {"backend"}},
        {"properties",
         {{"backend", text},
          {"priority", {{"type", "integer"}, {"minimum", 0}, {"maximum", 15}}}}}}}};
  Json endpoints;
  endpoints["addresses"] = {{"type", "array"}, {"items", text}, {"description", "host:port"}};
  std::vector<Json> out;
  out.push_back(definition("gatewaypolicies", "GatewayPolicy",
                           "What Gateway API has no field for, attached to backends and routes.",
                           std::move(policy)));
  out.push_back(definition("staticendpoints", "StaticEndpoints",
                           "Who is behind a Service or an InferencePool, written down.",
                           std::move(endpoints)));
  return out;
}

}  // namespace nacelle::apps
