#include "kube/schema/openapi_schema.h"

#include "kube/schema/messages.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& schema, std::string_view name) {
  return std::string(text_at(schema, {name}));
}

std::optional<double> number(const Json& schema, std::string_view name) {
  const Json* value = kube::find(schema, {name});
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<std::uint64_t> size(const Json& schema, std::string_view name) {
  const auto value = number_at(schema, {name});
  if (!value.has_value() || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::vector<std::string> texts(const Json& schema, std::string_view name) {
  std::vector<std::string> out;
  for (const Json& one : list_at(schema, {name})) {
    if (one.is_string()) out.push_back(one);
  }
  return out;
}

std::shared_ptr<const std::regex> compile(const std::string& pattern) {
  if (pattern.empty() || pattern.size() > 2048) return nullptr;
  // RE2 that ECMAScript does not share: such a pattern cannot be put to values here.
  if (pattern.find("(?") != std::string::npos || pattern.find("\\p") != std::string::npos ||
      pattern.find("[[:") != std::string::npos) {
    return nullptr;
  }
  try {
    return std::make_shared<const std::regex>(pattern, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    return nullptr;
  }
}

class Reader {
 public:
  explicit Reader(Findings& findings) : findings_(findings) {}

  // `structural`: the node stands outside allOf, anyOf, oneOf and not.
  NodePtr read(const Json& schema, const std::string& path, bool structural, std::size_t depth) {
    auto out = std::make_shared<Node>();
    if (!schema.is_object() || depth > kMaxDepth) return out;
    refuse_forbidden(schema, path);
    out->type = type_of(schema);
    out->format = text(schema, "format");
    out->description = text(schema, "description");
    out->preserve_unknown = bool_at(schema, {"x-kubernetes-preserve-unknown-fields"});
    out->embedded = bool_at(schema, {"x-kubernetes-embedded-resource"});
    out->nullable = bool_at(schema, {"nullable"});
    out->required = texts(schema, "required");
    out->list_type = text(schema, "x-kubernetes-list-type");
    out->list_keys = texts(schema, "x-kubernetes-list-map-keys");
    if (const Json* value = kube::find(schema, {"default"})) out->default_value = *value;
    if (const Json* value = kube::find(schema, {"enum"})) out->enumeration = *value;
    const bool free_form = out->preserve_unknown || out->type == Type::kIntOrString;
    if (structural && out->type == Type::kAny && !free_form) {
      findings_.push_back(
          required(path + ".type", "must not be empty for specified object fields"));
    }
    read_children(schema, *out, path, structural, depth);
    out->rules = read_rules(schema, path, depth);
    return out;
  }

 private:
  static Type type_of(const Json& schema) {
    if (bool_at(schema, {"x-kubernetes-int-or-string"})) return Type::kIntOrString;
    const std::string name = text(schema, "type");
    if (name == "object") return Type::kObject;
    if (name == "array") return Type::kArray;
    if (name == "string") return Type::kString;
    if (name == "integer") return Type::kInteger;
    if (name == "number") return Type::kNumber;
    if (name == "boolean") return Type::kBoolean;
    return Type::kAny;
  }

  void refuse_forbidden(const Json& schema, const std::string& path) {
    for (const char* name : {"$ref", "definitions", "dependencies", "patternProperties"}) {
      if (schema.contains(name)) {
        findings_.push_back(forbidden(path + "." + name, std::string(name) + " is not supported"));
      }
    }
    if (bool_at(schema, {"uniqueItems"})) {
      findings_.push_back(forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true"));
    }
    const Json* additional = kube::find(schema, {"additionalProperties"});
    if (additional != nullptr && schema.contains("properties")) {
      findings_.push_back(forbidden(path + ".additionalProperties",
                                    "additionalProperties and properties are mutual exclusive"));
    }
  }

  void read_children(const Json& schema, Node& out, const std::string& path, bool structural,
                     std::size_t depth) {
    for (const auto& [name, property] : map_at(schema, {"properties"}).items()) {
      out.properties[name] =
          read(property, path + ".properties[" + name + "]", structural, depth + 1);
    }
    if (const Json* items = kube::find(schema, {"items"}); items != nullptr && items->is_object()) {
      out.items = read(*items, path + ".items", structural, depth + 1);
    } else if (structural && out.type == Type::kArray) {
      findings_.push_back(required(path + ".items", "must be specified"));
    }
    const Json* additional = kube::find(schema, {"additionalProperties"});
    if (additional == nullptr) return;
    if (additional->is_object()) {
      out.values = read(*additional, path + ".additionalProperties", structural, depth + 1);
    } else if (additional->is_boolean() && additional->get<bool>()) {
      out.preserve_unknown = true;
    }
  }

  std::vector<NodePtr> read_list(const Json& schema, std::string_view name, const std::string& path,
                                 std::size_t depth) {
    std::vector<NodePtr> out;
    for (const Json& one : list_at(schema, {name})) {
      out.push_back(read(one, path, false, depth + 1));
    }
    return out;
  }

  std::shared_ptr<const Rules> read_rules(const Json& schema, const std::string& path,
                                          std::size_t depth) {
    static constexpr const char* kNames[] = {
        "minimum", "maximum",  "multipleOf", "minLength",     "maxLength",
        "pattern", "minItems", "maxItems",   "minProperties", "maxProperties",
        "allOf",   "anyOf",    "oneOf",      "not",           "x-kubernetes-validations"};
    bool any = false;
    for (const char* name : kNames) any = any || schema.contains(name);
    if (!any) return nullptr;
    auto out = std::make_shared<Rules>();
    out->minimum = number(schema, "minimum");
    out->maximum = number(schema, "maximum");
    out->exclusive_minimum = bool_at(schema, {"exclusiveMinimum"});
    out->exclusive_maximum = bool_at(schema, {"exclusiveMaximum"});
    out->multiple_of = number(schema, "multipleOf");
    out->min_length = size(schema, "minLength");
    out->max_length = size(schema, "maxLength");
    out->min_items = size(schema, "minItems");
    out->max_items = size(schema, "maxItems");
    out->min_properties = size(schema, "minProperties");
    out->max_properties = size(schema, "maxProperties");
    out->pattern = text(schema, "pattern");
    out->compiled = compile(out->pattern);
    out->all_of = read_list(schema, "allOf", path, depth);
    out->any_of = read_list(schema, "anyOf", path, depth);
    out->one_of = read_list(schema, "oneOf", path, depth);
    if (const Json* none = kube::find(schema, {"not"}))
      out->none_of = read(*none, path, false, depth + 1);
    if (const Json* cel = kube::find(schema, {"x-kubernetes-validations"})) out->cel = *cel;
    return out;
  }

  Findings& findings_;
};

NodePtr string_node() {
  static const NodePtr kNode = [] {
    auto node = std::make_shared<Node>();
    node->type = Type::kString;
    return node;
  }();
  return kNode;
}

}  // namespace

NodePtr node_from_openapi(const Json& schema, const std::string& path, Findings& findings) {
  const NodePtr read = Reader(findings).read(schema, path, true, 0);
  if (read->type != Type::kObject) {
    findings.push_back(invalid(path + ".type", text(schema, "type"), "must be object at the root"));
  }
  auto root = std::make_shared<Node>(*read);
  root->properties["apiVersion"] = string_node();
  root->properties["kind"] = string_node();
  root->properties["metadata"] = node_of("ObjectMeta");
  return root;
}

}  // namespace nacelle::kube::schema
