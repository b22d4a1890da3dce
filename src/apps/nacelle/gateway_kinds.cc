#include "apps/nacelle/gateway_kinds.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "kube/yaml.h"

namespace nacelle::apps {

using kube::Json;
using kube::text_at;

namespace {

constexpr std::string_view kSchemaTexts[] = {
#include "gateway_schemas.inc"
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

Json definition(const std::string& kind, const Json& schema) {
  const std::string api(text_at(schema, {"api"}));
  const std::string group = api.substr(0, api.find('/'));
  const std::string plural(text_at(schema, {"plural"}));
  Json properties = schema["properties"];
  properties["apiVersion"] = {{"type", "string"}};
  properties["kind"] = {{"type", "string"}};
  properties["metadata"] = {{"type", "object"}};
  properties["status"] = {{"type", "object"},
                          {"description", "What became of it."},
                          {"x-kubernetes-preserve-unknown-fields", true}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", plural + "." + group}}},
          {"spec",
           {{"group", group},
            {"scope", "Namespaced"},
            {"names",
             {{"plural", plural},
              {"singular", lower(kind)},
              {"kind", kind},
              {"listKind", kind + "List"}}},
            {"versions",
             {{{"name", api.substr(api.find('/') + 1)},
               {"served", true},
               {"storage", true},
               {"subresources", {{"status", Json::object()}}},
               {"schema",
                {{"openAPIV3Schema",
                  {{"type", "object"},
                   {"description", schema["description"]},
                   {"properties", std::move(properties)}}}}}}}}}}};
}

}  // namespace

std::vector<Json> gateway_custom_resource_definitions() {
  std::vector<Json> out;
  for (const std::string_view text : kSchemaTexts) {
    const auto file = kube::json_of_yaml(text);
    CHECK(file.ok());  // our own files
    for (const auto& [kind, schema] : (*file)["kinds"].items()) {
      if (schema.contains("plural")) out.push_back(definition(kind, schema));
    }
  }
  return out;
}

}  // namespace nacelle::apps
