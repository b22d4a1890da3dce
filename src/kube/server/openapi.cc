// openapi.cc: OpenAPI v3 as JSON, v2 as JSON and in gnostic's protobuf.
#include <cstring>

#include "kube/server/documents.h"
#include "kube/server/openapi_names.h"
#include "kube/server/resources.h"

namespace nacelle::kube::server {
namespace {

Json info() { return {{"title", "Kubernetes"}, {"version", "v1.32.0"}}; }

// Protobuf, written.
class Message {
 public:
  Message& text(int number, std::string_view value) {
    tag(number, 2);
    varint(value.size());
    out_ += value;
    return *this;
  }
  Message& sub(int number, const Message& value) { return text(number, value.out_); }
  Message& number(int field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
    return *this;
  }
  Message& real(int field, double value) {
    tag(field, 1);
    char bytes[8];
    std::memcpy(bytes, &value, 8);
    out_.append(bytes, 8);
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void tag(int number, int wire) {
    varint(static_cast<std::uint64_t>(number) << 3 | static_cast<std::uint64_t>(wire));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

Message any(const Json& value) { return std::move(Message().text(2, value.dump() + "\n")); }

void add_extensions(const Json& from, int field, Message& out) {
  for (const auto& [name, value] : from.items()) {
    if (name.starts_with("x-")) out.sub(field, Message().text(1, name).sub(2, any(value)));
  }
}

Message schema_message(const Json& schema) {
  Message out;
  const auto text = [&](const char* name) {
    return schema.contains(name) && schema[name].is_string() ? schema[name].get<std::string>()
                                                             : std::string();
  };
  if (const std::string ref = text("$ref"); !ref.empty()) return std::move(out.text(1, ref));
  if (const std::string format = text("format"); !format.empty()) out.text(2, format);
  if (const std::string about = text("description"); !about.empty()) out.text(4, about);
  if (schema.contains("maximum")) out.real(7, schema["maximum"].get<double>());
  if (schema.contains("minimum")) out.real(9, schema["minimum"].get<double>());
  if (schema.contains("maxLength")) out.number(11, schema["maxLength"].get<std::uint64_t>());
  if (schema.contains("minLength")) out.number(12, schema["minLength"].get<std::uint64_t>());
  if (const std::string pattern = text("pattern"); !pattern.empty()) out.text(13, pattern);
  if (schema.contains("maxItems")) out.number(14, schema["maxItems"].get<std::uint64_t>());
  if (schema.contains("minItems")) out.number(15, schema["minItems"].get<std::uint64_t>());
  for (const Json& name : list_at(schema, {"required"})) out.text(19, name.get<std::string>());
  if (schema.contains("additionalProperties")) {
    out.sub(21, Message().sub(1, schema_message(schema["additionalProperties"])));
  }
  if (const std::string type = text("type"); !type.empty()) out.sub(22, Message().text(1, type));
  if (schema.contains("items")) out.sub(23, Message().sub(1, schema_message(schema["items"])));
  if (schema.contains("properties")) {
    Message properties;
    for (const auto& [name, property] : schema["properties"].items()) {
      properties.sub(1, Message().text(1, name).sub(2, schema_message(property)));
    }
    out.sub(25, properties);
  }
  add_extensions(schema, 31, out);
  return out;
}

Message operation_message(const Json& operation) {
  Message out;
  out.text(5, operation.value("operationId", ""));
  for (const Json& one : list_at(operation, {"parameters"})) {
    Message query;
    query.text(2, "query").text(4, one.value("name", "")).text(6, one.value("type", "string"));
    // ParametersItem > Parameter > NonBodyParameter > QueryParameterSubSchema
    out.sub(8, Message().sub(1, Message().sub(2, Message().sub(3, query))));
  }
  // One answer, without a schema: Responses > NamedResponseValue > ResponseValue > Response.
  Message response;
  response.text(1, "OK");
  out.sub(9, Message().sub(1, Message().text(1, "200").sub(2, Message().sub(1, response))));
  add_extensions(operation, 13, out);
  return out;
}

Json v2_definitions(const schema::Registry& registry) {
  Definitions definitions(OpenApi::kV2);
  for (const schema::KindPtr& kind : registry.kinds()) definitions.add(*kind);
  return definitions.all();
}

Json v3_parameter(const Json& from) {
  return {{"name", from["name"]}, {"in", "query"}, {"schema", {{"type", from["type"]}}}};
}

}  // namespace

std::string openapi_v2(const schema::Registry& registry) {
  Message out;
  out.text(1, "2.0").sub(2, Message().text(1, "Kubernetes").text(2, "v1.32.0"));
  Message paths;
  constexpr std::pair<const char*, int> kVerbs[] = {
      {"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
  for (const schema::KindPtr& kind : registry.kinds()) {
    const Json items = paths_of(*kind);  // named: items() refers to it
    for (const auto& [path, item] : items.items()) {
      Message operations;
      for (const auto& [verb, number] : kVerbs) {
        if (item.contains(verb)) operations.sub(number, operation_message(item[verb]));
      }
      paths.sub(2, Message().text(1, path).sub(2, operations));
    }
  }
  out.sub(8, paths);
  Message definitions;
  const Json all = v2_definitions(registry);
  for (const auto& [name, schema] : all.items()) {
    definitions.sub(1, Message().text(1, name).sub(2, schema_message(schema)));
  }
  out.sub(9, definitions);
  return out.take();
}

Json openapi_v2_json(const schema::Registry& registry) {
  Json paths = Json::object();
  for (const schema::KindPtr& kind : registry.kinds()) paths.update(paths_of(*kind));
  return {{"swagger", "2.0"},
          {"info", info()},
          {"paths", std::move(paths)},
          {"definitions", v2_definitions(registry)}};
}

Json openapi_v3(const schema::Registry& registry, std::string_view group,
                std::string_view version) {
  const auto kinds = registry.of_version(group, version);
  if (kinds.empty() && resources_of(registry, group, version).empty()) return nullptr;
  Definitions definitions(OpenApi::kV3);
  Json paths = Json::object();
  for (const schema::KindPtr& kind : kinds) {
    definitions.add(*kind);
    const Json items = paths_of(*kind);
    for (const auto& [path, item] : items.items()) {
      Json copy = item;
      for (auto& [verb, operation] : copy.items()) {
        Json parameters = Json::array();
        for (const Json& one : operation["parameters"]) parameters.push_back(v3_parameter(one));
        operation["parameters"] = std::move(parameters);
      }
      paths[path] = std::move(copy);
    }
  }
  return {{"openapi", "3.0.0"},
          {"info", info()},
          {"paths", std::move(paths)},
          {"components", {{"schemas", definitions.all()}}}};
}

}  // namespace nacelle::kube::server
