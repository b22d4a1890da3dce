#include "kube/merge_schema.h"

#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "kube/patch.h"
#include "kube/patch/builtin_tables.h"

namespace nacelle::kube {
namespace {

using SchemaPtr = std::shared_ptr<const MergeSchema>;
using Types = std::map<std::string, MergeSchema, std::less<>>;

std::string_view next_word(std::string_view& rule) {
  const std::size_t space = rule.find(' ');
  const std::string_view word = rule.substr(0, space);
  rule.remove_prefix(space == rule.npos ? rule.size() : space + 1);
  return word;
}

// "containerPort,protocol=TCP"
std::vector<ListKey> parse_keys(std::string_view list) {
  std::vector<ListKey> keys;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view one = list.substr(0, comma);
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    const std::size_t equals = one.find('=');
    keys.push_back({std::string(one.substr(0, equals)),
                    equals == one.npos ? Json() : Json(std::string(one.substr(equals + 1)))});
  }
  return keys;
}

std::string_view inside(std::string_view word, std::string_view name) {
  return word.substr(name.size() + 1, word.size() - name.size() - 2);
}

// The rule of one line. A bare `:Type` is that type; on a list the type is that of its items.
MergeSchema parse_rule(std::string_view rule, const Types& types) {
  MergeSchema out;
  const MergeSchema* type = nullptr;
  const auto named = [&](std::string_view name) {
    const auto at = types.find(name);
    CHECK(at != types.end());  // the table names a type below its use
    return &at->second;
  };
  while (!rule.empty()) {
    const std::string_view word = next_word(rule);
    if (word.starts_with(":")) {
      type = named(word.substr(1));
    } else if (word.starts_with("values:")) {
      out.items = std::make_shared<MergeSchema>(*named(word.substr(7)));
    } else if (word.starts_with("map(")) {
      out.list = ListType::kMap;
      out.keys = parse_keys(inside(word, "map"));
    } else if (word == "smp(*)") {
      out.merge_scalars = true;
    } else if (word.starts_with("smp(")) {
      out.merge_key = std::string(inside(word, "smp"));
    } else if (word == "set") {
      out.list = ListType::kSet;
    } else if (word == "atomic") {
      out.atomic_map = true;
    } else if (word == "replace") {
      out.replace_map = true;
    } else if (word == "always") {
      out.always_there = true;
    } else {
      CHECK(word == "quantity");
      out.quantity = true;
    }
  }
  if (type == nullptr) return out;
  if (out.list != ListType::kAtomic || !out.merge_key.empty()) {
    out.items = std::make_shared<MergeSchema>(*type);
    return out;
  }
  const bool always = out.always_there;
  out = *type;
  out.always_there = always || type->always_there;
  return out;
}

Types make_types() {
  Types types;
  for (const FieldRule& line : builtin_fields()) {
    MergeSchema rule = parse_rule(line.rule, types);
    MergeSchema& type = types[std::string(line.type)];
    if (line.field.empty()) {
      type = std::move(rule);
    } else {
      type.fields[std::string(line.field)] = std::make_shared<MergeSchema>(std::move(rule));
    }
  }
  return types;
}

const Types& types() {
  static const Types kTypes = make_types();
  return kTypes;
}

Status read_list(const Json& schema, MergeSchema& out) {
  const std::string_view type = text_at(schema, {"x-kubernetes-list-type"});
  if (type.empty() || type == "atomic") return {};
  if (type == "set") {
    out.list = ListType::kSet;
    return {};
  }
  if (type != "map") return invalid_argument("x-kubernetes-list-type is {}", type);
  out.list = ListType::kMap;
  for (const Json& key : list_at(schema, {"x-kubernetes-list-map-keys"})) {
    if (!key.is_string()) return invalid_argument("x-kubernetes-list-map-keys holds no text");
    const std::string name = key;
    const Json* value = find(schema, {"items", "properties", name, "default"});
    out.keys.push_back({name, value == nullptr ? Json() : *value});
  }
  if (out.keys.empty()) return invalid_argument("a list of type map has no keys");
  return {};
}

Result<MergeSchema> read_schema(const Json& schema, std::size_t depth) {
  if (depth > kMaxMergeDepth) return invalid_argument("a schema is nested too deep");
  MergeSchema out;
  if (!schema.is_object()) return out;
  out.atomic_map = text_at(schema, {"x-kubernetes-map-type"}) == "atomic";
  const Json& properties = map_at(schema, {"properties"});
  out.free_form = bool_at(schema, {"x-kubernetes-preserve-unknown-fields"}) && properties.empty();
  RETURN_IF_ERROR(read_list(schema, out));
  for (const auto& [name, property] : properties.items()) {
    ASSIGN_OR_RETURN(MergeSchema field, read_schema(property, depth + 1));
    out.fields[name] = std::make_shared<MergeSchema>(std::move(field));
  }
  for (const char* below : {"items", "additionalProperties"}) {
    const auto at = schema.find(below);
    if (at == schema.end() || !at->is_object()) continue;
    ASSIGN_OR_RETURN(MergeSchema items, read_schema(*at, depth + 1));
    out.items = std::make_shared<MergeSchema>(std::move(items));
  }
  return out;
}

}  // namespace

const MergeSchema& MergeSchema::field(std::string_view name) const {
  const auto at = fields.find(name);
  if (at != fields.end()) return *at->second;
  if (list == ListType::kAtomic && items != nullptr && fields.empty()) return *items;
  return plain_schema();
}

const MergeSchema& MergeSchema::item() const { return items == nullptr ? plain_schema() : *items; }

const MergeSchema& plain_schema() {
  static const MergeSchema kPlain;
  return kPlain;
}

const MergeSchema* builtin_type(std::string_view type) {
  const auto at = types().find(type);
  return at == types().end() ? nullptr : &at->second;
}

const MergeSchema* builtin_schema(std::string_view group, std::string_view kind) {
  for (const KindRule& rule : builtin_kinds()) {
    if (rule.group == group && rule.kind == kind) return builtin_type(rule.type);
  }
  return nullptr;
}

Result<MergeSchema> schema_from_openapi(const Json& schema) {
  ASSIGN_OR_RETURN(MergeSchema out, read_schema(schema, 0));
  MergeSchema metadata = *builtin_type("ObjectMeta");
  metadata.always_there = true;
  out.fields["metadata"] = std::make_shared<MergeSchema>(std::move(metadata));
  return out;
}

}  // namespace nacelle::kube
