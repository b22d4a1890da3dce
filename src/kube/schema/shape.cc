#include "kube/schema/shape.h"

#include <cmath>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/quantity.h"
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {
namespace {

std::string child(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string item(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

const Node& metadata_node() {
  static const NodePtr kNode = node_of("ObjectMeta");
  return *kNode;
}

bool is_embedded_field(const Node& node, const std::string& name) {
  return node.embedded && (name == "apiVersion" || name == "kind" || name == "metadata");
}

void prune_at(Json& value, const Node& node, const std::string& path, std::size_t depth,
              std::vector<std::string>& unknown) {
  if (depth > kMaxDepth) return;
  if (value.is_array()) {
    if (node.items == nullptr) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
      prune_at(value[i], *node.items, item(path, i), depth + 1, unknown);
    }
    return;
  }
  if (!value.is_object() || node.type == Type::kAny) return;
  for (auto field = value.begin(); field != value.end();) {
    const auto known = node.properties.find(field.key());
    if (known != node.properties.end()) {
      prune_at(*field, *known->second, child(path, field.key()), depth + 1, unknown);
    } else if (node.values != nullptr) {
      prune_at(*field, *node.values, child(path, field.key()), depth + 1, unknown);
    } else if (node.embedded && field.key() == "metadata") {
      prune_at(*field, metadata_node(), child(path, "metadata"), depth + 1, unknown);
    } else if (!node.preserve_unknown && !is_embedded_field(node, field.key())) {
      if (unknown.size() < kMaxFindings) unknown.push_back(child(path, field.key()));
      field = value.erase(field);
      continue;
    }
    ++field;
  }
}

void fill_at(Json& value, const Node& node, std::size_t depth) {
  if (depth > kMaxDepth) return;
  if (value.is_array()) {
    if (node.items == nullptr) return;
    for (Json& entry : value) fill_at(entry, *node.items, depth + 1);
    return;
  }
  if (!value.is_object()) return;
  for (const auto& [name, property] : node.properties) {
    auto field = value.find(name);
    if (field != value.end() && field->is_null() && !property->nullable &&
        !property->default_value.is_null()) {
      value.erase(field);
      field = value.end();
    }
    if (field == value.end()) {
      if (property->default_value.is_null()) continue;
      field = value.emplace(name, property->default_value).first;
    }
    fill_at(*field, *property, depth + 1);
  }
  if (node.values == nullptr) return;
  for (auto field = value.begin(); field != value.end(); ++field) {
    if (!node.properties.contains(field.key())) fill_at(*field, *node.values, depth + 1);
  }
}

void normalize_number(Json& value) {
  const double number = value.get<double>();
  constexpr double kExact = 9007199254740992.0;
  if (std::floor(number) == number && std::abs(number) <= kExact) {
    value = static_cast<std::int64_t>(number);
  }
}

void normalize_at(Json& value, const Node& node, std::size_t depth) {
  if (depth > kMaxDepth) return;
  switch (node.type) {
    case Type::kQuantity:
      if (auto amount = Quantity::from_json(value); amount.ok()) value = amount->to_string();
      return;
    case Type::kInteger:
    case Type::kIntOrString:
      if (value.is_number_float()) normalize_number(value);
      return;
    case Type::kArray:
      if (node.items == nullptr || !value.is_array()) return;
      for (Json& entry : value) normalize_at(entry, *node.items, depth + 1);
      return;
    case Type::kObject:
      break;
    default:
      return;
  }
  if (!value.is_object()) return;
  for (auto field = value.begin(); field != value.end();) {
    const auto known = node.properties.find(field.key());
    const Node* below = known != node.properties.end() ? known->second.get() : node.values.get();
    if (below == nullptr) {
      ++field;
      continue;
    }
    if (field->is_null() && below->type != Type::kAny && below->type != Type::kTime) {
      field = value.erase(field);
      continue;
    }
    normalize_at(*field, *below, depth + 1);
    ++field;
  }
}

std::string_view json_type(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return "number";
}

// The Go type that Kubernetes has in its place, or "" when the value fits.
std::string_view mismatch(const Json& value, const Node& node) {
  switch (node.type) {
    case Type::kObject:
      if (value.is_object()) return "";
      if (node.values != nullptr) return "map[string]string";
      if (node.name.empty()) return "map";
      return node.name;
    case Type::kArray:
      return value.is_array() ? "" : "[]";
    case Type::kString:
      return value.is_string() ? "" : "string";
    case Type::kBytes:
      return value.is_string() ? "" : "[]uint8";
    case Type::kTime:
      return value.is_string() ? "" : "Time";
    case Type::kInteger:
      return value.is_number_integer() || (value.is_number_float() &&
                                           std::floor(value.get<double>()) == value.get<double>())
                 ? ""
                 : "int32";
    case Type::kNumber:
      return value.is_number() ? "" : "float64";
    case Type::kBoolean:
      return value.is_boolean() ? "" : "bool";
    case Type::kIntOrString:
      return value.is_number_integer() || value.is_string() ? "" : "IntOrString";
    case Type::kQuantity:
      return value.is_number() || value.is_string() ? "" : "Quantity";
    case Type::kAny:
      return "";
  }
  return "";
}

std::string wrong_at(const Json& value, const Node& node, const std::string& path,
                     std::string_view kind, std::size_t depth) {
  if (value.is_null() || node.type == Type::kAny) return {};
  if (depth > kMaxDepth) return fmt::format("{}: nested deeper than {} levels", path, kMaxDepth);
  if (const std::string_view wanted = mismatch(value, node); !wanted.empty()) {
    return fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                       json_type(value), kind, path, wanted);
  }
  if (node.type == Type::kBytes && !decode_base64(value.get_ref<const std::string&>())) {
    return fmt::format("{}.{}: illegal base64 data", kind, path);
  }
  if (node.type == Type::kQuantity && value.is_string() && !Quantity::from_json(value).ok()) {
    return fmt::format(
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' "
        "({}.{})",
        kind, path);
  }
  if (value.is_array() && node.items != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string found = wrong_at(value[i], *node.items, item(path, i), kind, depth + 1);
      if (!found.empty()) return found;
    }
  }
  if (!value.is_object()) return {};
  for (auto field = value.begin(); field != value.end(); ++field) {
    const auto known = node.properties.find(field.key());
    const Node* below = known != node.properties.end() ? known->second.get() : node.values.get();
    if (below == nullptr) continue;
    std::string found = wrong_at(*field, *below, child(path, field.key()), kind, depth + 1);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

void prune(Json& value, const Node& node, std::vector<std::string>& unknown) {
  prune_at(value, node, {}, 0, unknown);
}

void fill_defaults(Json& value, const Node& node) { fill_at(value, node, 0); }

void normalize(Json& value, const Node& node) { normalize_at(value, node, 0); }

std::string wrong_type(const Json& value, const Node& node, std::string_view kind) {
  return wrong_at(value, node, {}, kind, 0);
}

}  // namespace nacelle::kube::schema
