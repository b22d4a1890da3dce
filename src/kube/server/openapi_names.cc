#include "kube/server/openapi_names.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "kube/merge_schema.h"
#include "kube/server/resources.h"

namespace nacelle::kube::server {
namespace {

using schema::Node;
using schema::Type;

std::string reversed(const std::string& group) {
  std::vector<std::string> parts;
  std::istringstream in(group);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  std::reverse(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts) out += part + ".";
  return out;
}

// Types without a kind: those of the metadata live in the machinery's package.
std::string message_definition(const std::string& name) {
  static const std::set<std::string_view> kMeta = {
      "ObjectMeta",    "OwnerReference",           "ManagedFieldsEntry", "FieldsV1",
      "LabelSelector", "LabelSelectorRequirement", "Condition"};
  if (kMeta.contains(name)) return "io.k8s.apimachinery.pkg.apis.meta.v1." + name;
  return "io.k8s.api." + (name.find('.') == std::string::npos ? "core.v1." + name : name);
}

Json gvk(const schema::Kind& kind) {
  return {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}};
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kObject:
      return "object";
    case Type::kArray:
      return "array";
    case Type::kInteger:
      return "integer";
    case Type::kNumber:
      return "number";
    case Type::kBoolean:
      return "boolean";
    case Type::kAny:
    case Type::kIntOrString:
    case Type::kQuantity:
      return "";
    default:
      return "string";
  }
}

void add_rules(const schema::Rules& rules, Json& out) {
  const auto put = [&](const char* name, const auto& value) {
    if (value.has_value()) out[name] = *value;
  };
  put("minimum", rules.minimum);
  put("maximum", rules.maximum);
  put("minLength", rules.min_length);
  put("maxLength", rules.max_length);
  put("minItems", rules.min_items);
  put("maxItems", rules.max_items);
  if (!rules.pattern.empty()) out["pattern"] = rules.pattern;
}

// How a list of a built-in type merges: `kubectl apply` of older versions compares by this, and a
// list that got defaults would be another list each time.
void add_merge_marks(const MergeSchema& merging, Json& out) {
  if (merging.list == ListType::kAtomic || !out.contains("items")) return;
  out["x-kubernetes-list-type"] = merging.list == ListType::kMap ? "map" : "set";
  for (const ListKey& key : merging.keys) out["x-kubernetes-list-map-keys"].push_back(key.name);
  if (!merging.merge_key.empty()) out["x-kubernetes-patch-merge-key"] = merging.merge_key;
  if (!merging.merge_key.empty() || merging.merge_scalars)
    out["x-kubernetes-patch-strategy"] = "merge";
}

}  // namespace

std::string definition_name(const schema::Kind& kind) {
  if (kind.custom) return reversed(kind.group) + kind.version + "." + kind.kind;
  std::string group = kind.group.empty() ? "core" : kind.group.substr(0, kind.group.find('.'));
  return "io.k8s.api." + group + "." + kind.version + "." + kind.kind;
}

Json Definitions::reference(const Node& node) {
  const std::string name = message_definition(node.name);
  if (!all_.contains(name)) {
    all_[name] = Json::object();  // before its content: types refer to each other
    all_[name] = inline_schema(node, 0);
  }
  const std::string base = version_ == OpenApi::kV2 ? "#/definitions/" : "#/components/schemas/";
  if (version_ == OpenApi::kV2) return {{"$ref", base + name}};
  return {{"allOf", Json::array({{{"$ref", base + name}}})}};
}

Json Definitions::schema_of(const Node& node, std::size_t depth) {
  if (!node.name.empty() && node.type == Type::kObject) return reference(node);
  return inline_schema(node, depth);
}

Json Definitions::inline_schema(const Node& node, std::size_t depth) {
  Json out = Json::object();
  if (!node.description.empty()) out["description"] = node.description;
  // What v2 cannot say must not stand beside a type.
  if (node.type == Type::kIntOrString || node.type == Type::kQuantity) {
    if (version_ == OpenApi::kV3) {
      out["oneOf"] = Json::array(
          {{{"type", "string"}}, {{"type", node.type == Type::kQuantity ? "number" : "integer"}}});
    } else {
      out["x-kubernetes-int-or-string"] = true;
    }
    return out;
  }
  if (node.preserve_unknown) {
    out["x-kubernetes-preserve-unknown-fields"] = true;
    if (version_ == OpenApi::kV2) return out;
  }
  const std::string_view type = type_name(node.type);
  if (type.empty()) {
    // `kubectl explain` takes an empty schema for one that is missing.
    if (out.empty()) out["description"] = "any value";
    return out;
  }
  out["type"] = type;
  if (!node.format.empty() && node.format != "int-or-string") out["format"] = node.format;
  if (node.enumeration.is_array() && version_ == OpenApi::kV3) out["enum"] = node.enumeration;
  if (node.rules != nullptr) add_rules(*node.rules, out);
  if (!node.list_type.empty()) out["x-kubernetes-list-type"] = node.list_type;
  if (!node.list_keys.empty()) out["x-kubernetes-list-map-keys"] = node.list_keys;
  if (node.type == Type::kArray) {
    out["items"] = node.items != nullptr ? schema_of(*node.items, depth + 1)
                                         : Json{{"description", "any value"}};
  }
  if (node.type != Type::kObject) return out;
  if (!node.required.empty()) out["required"] = node.required;
  if (node.values != nullptr) out["additionalProperties"] = schema_of(*node.values, depth + 1);
  const MergeSchema* merging = node.name.empty() ? nullptr : builtin_type(node.name);
  for (const auto& [name, property] : node.properties) {
    out["properties"][name] = schema_of(*property, depth + 1);
    if (merging != nullptr) add_merge_marks(merging->field(name), out["properties"][name]);
  }
  return out;
}

void Definitions::add(const schema::Kind& kind) {
  const std::string name = definition_name(kind);
  Json root = inline_schema(*kind.node, 0);
  root["x-kubernetes-group-version-kind"] = Json::array({gvk(kind)});
  all_[name] = std::move(root);
}

namespace {

Json parameter(const char* name, const char* type, OpenApi) {
  return {{"name", name}, {"in", "query"}, {"type", type}, {"uniqueItems", true}};
}

Json operation(const schema::Kind& kind, const char* action, bool write) {
  Json out = {{"x-kubernetes-group-version-kind", gvk(kind)},
              {"x-kubernetes-action", action},
              {"operationId", std::string(action) + kind.kind + kind.version},
              {"responses", {{"200", {{"description", "OK"}}}}}};
  out["parameters"] = Json::array();
  if (write) {
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation"}) {
      out["parameters"].push_back(parameter(name, "string", OpenApi::kV2));
    }
    if (std::string_view(action) == "patch") {
      out["parameters"].push_back(parameter("force", "boolean", OpenApi::kV2));
    }
  }
  return out;
}

}  // namespace

Json paths_of(const schema::Kind& kind) {
  const std::string root =
      (kind.group.empty() ? "/api/" : "/apis/" + kind.group + "/") + kind.version;
  const std::string collection =
      root + (kind.namespaced ? "/namespaces/{namespace}/" : "/") + kind.plural;
  Json out = Json::object();
  if (kind.computed) {
    out[collection] = {{"get", operation(kind, "list", false)}};
    out[collection + "/{name}"] = {{"get", operation(kind, "get", false)}};
    return out;
  }
  out[collection] = {{"get", operation(kind, "list", false)},
                     {"post", operation(kind, "post", true)}};
  out[collection + "/{name}"] = {{"get", operation(kind, "get", false)},
                                 {"put", operation(kind, "put", true)},
                                 {"delete", operation(kind, "delete", false)},
                                 {"patch", operation(kind, "patch", true)}};
  return out;
}

}  // namespace nacelle::kube::server
