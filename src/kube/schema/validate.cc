// validate.cc: what a CRD's schema says of a value, in the words that Kubernetes uses.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "base/utf8.h"
#include "kube/schema/messages.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::schema {
namespace {

class Validator {
 public:
  explicit Validator(Findings& findings) : findings_(findings) {}

  void check(const Json& value, const Node& node, const std::string& path, std::size_t depth) {
    if (findings_.size() >= kMaxFindings) return;
    if (depth > kMaxDepth) {
      add({"FieldValueInvalid", path, fmt::format("nested deeper than {} levels", kMaxDepth)});
      return;
    }
    if (value.is_null() && (node.nullable || node.type == Type::kAny)) return;
    if (!check_type(value, node, path)) return;
    check_enumeration(value, node, path);
    if (node.rules != nullptr) check_rules(value, *node.rules, path, depth);
    if (value.is_array()) check_list(value, node, path, depth);
    if (value.is_object()) check_fields(value, node, path, depth);
  }

 private:
  void add(Finding finding) {
    if (findings_.size() < kMaxFindings) findings_.push_back(std::move(finding));
  }

  void wrong_type(const Json& value, const std::string& path, std::string_view wanted) {
    const std::string_view got = value.is_string()         ? "string"
                                 : value.is_boolean()      ? "boolean"
                                 : value.is_array()        ? "array"
                                 : value.is_object()       ? "object"
                                 : value.is_null()         ? "null"
                                 : value.is_number_float() ? "number"
                                                           : "integer";
    add({"FieldValueTypeInvalid", path,
         fmt::format("Invalid value: \"{}\": {} in body must be of type {}: \"{}\"", got, path,
                     wanted, got)});
  }

  bool check_type(const Json& value, const Node& node, const std::string& path) {
    std::string_view wanted;
    switch (node.type) {
      case Type::kObject:
        if (!value.is_object()) wanted = "object";
        break;
      case Type::kArray:
        if (!value.is_array()) wanted = "array";
        break;
      case Type::kString:
      case Type::kBytes:
        if (!value.is_string()) wanted = "string";
        break;
      case Type::kTime:
        if (!value.is_string() && !value.is_null()) wanted = "string";
        break;
      case Type::kInteger:
        if (!value.is_number_integer()) wanted = "integer";
        break;
      case Type::kNumber:
        if (!value.is_number()) wanted = "number";
        break;
      case Type::kBoolean:
        if (!value.is_boolean()) wanted = "boolean";
        break;
      case Type::kIntOrString:
        if (!value.is_number_integer() && !value.is_string()) wanted = "integer or string";
        break;
      case Type::kQuantity:
        if (!value.is_number() && !value.is_string()) wanted = "string";
        break;
      case Type::kAny:
        break;
    }
    if (!wanted.empty()) {
      wrong_type(value, path, wanted);
      return false;
    }
    if (node.type == Type::kInteger && node.format == "int32" && value.is_number_integer()) {
      const auto number = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX
                              ? std::numeric_limits<std::int64_t>::max()
                              : value.get<std::int64_t>();
      if (number > INT32_MAX || number < INT32_MIN) {
        add(invalid(path, value,
                    fmt::format("{} in body must be of type int32: \"{}\"", path, value.dump())));
        return false;
      }
    }
    return true;
  }

  void check_enumeration(const Json& value, const Node& node, const std::string& path) {
    if (!node.enumeration.is_array()) return;
    std::vector<std::string> supported;
    for (const Json& one : node.enumeration) {
      if (one == value) return;
      supported.push_back(one.is_string() ? one.get<std::string>() : one.dump());
    }
    add(unsupported(path, value, supported));
  }

  void check_number(const Json& value, const Rules& rules, const std::string& path) {
    const double number = value.get<double>();
    if (rules.minimum.has_value() &&
        (rules.exclusive_minimum ? number <= *rules.minimum : number < *rules.minimum)) {
      add(invalid(path, value,
                  fmt::format("{} in body should be greater than {}{}", path,
                              rules.exclusive_minimum ? "" : "or equal to ", *rules.minimum)));
    }
    if (rules.maximum.has_value() &&
        (rules.exclusive_maximum ? number >= *rules.maximum : number > *rules.maximum)) {
      add(invalid(path, value,
                  fmt::format("{} in body should be less than {}{}", path,
                              rules.exclusive_maximum ? "" : "or equal to ", *rules.maximum)));
    }
    if (rules.multiple_of.has_value() && *rules.multiple_of > 0 &&
        std::fmod(number, *rules.multiple_of) != 0) {
      add(invalid(path, value,
                  fmt::format("{} in body should be a multiple of {}", path, *rules.multiple_of)));
    }
  }

  void check_text(const Json& value, const Rules& rules, const std::string& path) {
    const std::string& text = value.get_ref<const std::string&>();
    const std::size_t length = utf8_length(text);
    if (rules.max_length.has_value() && length > *rules.max_length) {
      add(too_long(path, *rules.max_length));
    }
    if (rules.min_length.has_value() && length < *rules.min_length) {
      add(invalid(
          path, value,
          fmt::format("{} in body should be at least {} chars long", path, *rules.min_length)));
    }
    // std::regex recurses once per character: long values are not put to it.
    constexpr std::size_t kMaxMatched = 4096;
    if (rules.compiled == nullptr || text.size() > kMaxMatched) return;
    if (!std::regex_search(text, *rules.compiled)) {
      add(invalid(path, value, fmt::format("{} in body should match '{}'", path, rules.pattern)));
    }
  }

  void too_many(const std::string& path, std::size_t size, std::uint64_t most) {
    add({"FieldValueTooMany", path,
         fmt::format("Too many: {}: must have at most {} items", size, most)});
  }

  void check_sizes(const Json& value, const Rules& rules, const std::string& path) {
    const auto& most = value.is_array() ? rules.max_items : rules.max_properties;
    const auto& least = value.is_array() ? rules.min_items : rules.min_properties;
    if (most.has_value() && value.size() > *most) too_many(path, value.size(), *most);
    if (least.has_value() && value.size() < *least) {
      add(invalid(path, value.size(),
                  fmt::format("{} in body should have at least {} {}", path, *least,
                              value.is_array() ? "items" : "properties")));
    }
  }

  static std::size_t matches(const Json& value, const std::vector<NodePtr>& nodes,
                             const std::string& path, std::size_t depth) {
    std::size_t out = 0;
    for (const NodePtr& node : nodes) {
      Findings found;
      Validator(found).check(value, *node, path, depth + 1);
      out += found.empty() ? 1 : 0;
    }
    return out;
  }

  void check_rules(const Json& value, const Rules& rules, const std::string& path,
                   std::size_t depth) {
    if (value.is_number()) check_number(value, rules, path);
    if (value.is_string()) check_text(value, rules, path);
    if (value.is_array() || value.is_object()) check_sizes(value, rules, path);
    for (const NodePtr& node : rules.all_of) check(value, *node, path, depth + 1);
    if (!rules.any_of.empty() && matches(value, rules.any_of, path, depth) == 0) {
      add(invalid(path, value,
                  fmt::format("{} in body must validate at least one schema (anyOf)", path)));
    }
    if (!rules.one_of.empty() && matches(value, rules.one_of, path, depth) != 1) {
      add(invalid(path, value,
                  fmt::format("{} in body must validate one and only one schema (oneOf)", path)));
    }
    if (rules.none_of != nullptr && matches(value, {rules.none_of}, path, depth) == 1) {
      add(invalid(path, value, fmt::format("{} in body must not validate the schema (not)", path)));
    }
  }

  void check_list(const Json& value, const Node& node, const std::string& path, std::size_t depth) {
    if (node.list_type == "set" || node.list_type == "map") {
      std::set<Json> seen;
      for (std::size_t i = 0; i < value.size(); ++i) {
        Json key = node.list_type == "set" ? value[i] : Json::object();
        for (const std::string& name : node.list_keys) {
          if (value[i].is_object() && value[i].contains(name)) key[name] = value[i][name];
        }
        if (!seen.insert(key).second) add(duplicate(fmt::format("{}[{}]", path, i), key));
      }
    }
    if (node.items == nullptr) return;
    for (std::size_t i = 0; i < value.size() && findings_.size() < kMaxFindings; ++i) {
      check(value[i], *node.items, fmt::format("{}[{}]", path, i), depth + 1);
    }
  }

  void check_fields(const Json& value, const Node& node, const std::string& path,
                    std::size_t depth) {
    const auto below = [&](const std::string& name) {
      return path.empty() ? name : path + "." + name;
    };
    for (const std::string& name : node.required) {
      if (!value.contains(name)) add(required(below(name)));
    }
    for (const char* name : {"apiVersion", "kind"}) {
      if (!node.embedded || !text_at(value, {name}).empty()) continue;
      add(required(below(name), "must not be empty"));
    }
    for (auto field = value.begin(); field != value.end(); ++field) {
      // The root's metadata follows rules of its own.
      if (path.empty() && field.key() == "metadata") continue;
      const auto known = node.properties.find(field.key());
      if (known != node.properties.end()) {
        check(*field, *known->second, below(field.key()), depth + 1);
      } else if (node.values != nullptr) {
        check(*field, *node.values, below(field.key()), depth + 1);
      }
    }
  }

  Findings& findings_;
};

}  // namespace

void validate(const Json& value, const Node& node, const std::string& path, Findings& findings) {
  Validator(findings).check(value, node, path, 0);
}

}  // namespace nacelle::kube::schema
