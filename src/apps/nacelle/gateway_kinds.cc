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

constexpr std::string_view kUnused = "Accepted and not used";
// Of those without `plural`, which other APIs bring: what is read from an API.
constexpr std::string_view kRead[] = {"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"};

// Paths of fields that do nothing, as "spec.listeners[].tls.options".
void add_unused(const Json& schema, const std::string& path, std::vector<std::string>& out) {
  if (text_at(schema, {"description"}).starts_with(kUnused)) {
    out.push_back(path);
    return;
  }
  if (const Json* items = kube::find(schema, {"items"})) add_unused(*items, path + "[]", out);
  for (const auto& [name, property] : kube::map_at(schema, {"properties"}).items()) {
    add_unused(property, path.empty() ? name : path + "." + name, out);
  }
}

// Is there a value at such a path?
bool has(const Json& value, std::string_view path) {
  if (path.empty()) return !value.is_null();
  if (path.starts_with('.')) path.remove_prefix(1);
  if (path.starts_with("[]")) {
    path.remove_prefix(2);
    return value.is_array() && std::any_of(value.begin(), value.end(),
                                           [&](const Json& each) { return has(each, path); });
  }
  if (!value.is_object()) return false;
  const std::size_t end = std::min(path.find_first_of(".["), path.size());
  const auto field = value.find(std::string(path.substr(0, end)));
  return field != value.end() && has(*field, path.substr(end));
}

std::string plural_of(const std::string& kind, const Json& schema) {
  const std::string given(text_at(schema, {"plural"}));
  if (!given.empty()) return given;
  return lower(kind) + (kind.ends_with('s') ? "es" : "s");
}

}  // namespace

kube::Admissions gateway_admissions() {
  kube::Admissions out;
  for (const std::string_view text : kSchemaTexts) {
    const auto file = kube::json_of_yaml(text);
    CHECK(file.ok());  // our own files
    for (const auto& [kind, schema] : (*file)["kinds"].items()) {
      const bool read = schema.contains("plural") ||
                        std::find(std::begin(kRead), std::end(kRead), kind) != std::end(kRead);
      std::vector<std::string> unused;
      add_unused(schema, "", unused);
      if (!read || unused.empty()) continue;
      const std::string_view api = text_at(schema, {"api"});
      out.emplace(plural_of(kind, schema) + "." + std::string(api.substr(0, api.find('/'))),
                  [unused = std::move(unused)](Json& object, const Json*) {
                    kube::AdmissionAnswer answer;
                    for (const std::string& path : unused) {
                      if (has(object, path)) answer.warnings.push_back(path + " is not used");
                    }
                    return answer;
                  });
    }
  }
  return out;
}

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
