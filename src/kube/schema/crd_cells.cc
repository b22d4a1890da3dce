// crd_cells.cc: JSONPath as printer columns and scale paths use it.
#include <charconv>

#include "kube/schema/cells.h"
#include "kube/schema/crd.h"

namespace nacelle::kube::schema {
namespace {

// `?(@.type=="Ready")`
const Json* filtered(const Json& list, std::string_view filter) {
  constexpr std::string_view kBegin = "?(@.";
  if (!filter.starts_with(kBegin) || !filter.ends_with(')')) return nullptr;
  filter = filter.substr(kBegin.size(), filter.size() - kBegin.size() - 1);
  const std::size_t equal = filter.find("==");
  if (equal == std::string_view::npos) return nullptr;
  std::string_view name = filter.substr(0, equal);
  std::string_view value = filter.substr(equal + 2);
  const auto trim = [](std::string_view& text, std::string_view what) {
    while (!text.empty() && what.find(text.front()) != std::string_view::npos)
      text.remove_prefix(1);
    while (!text.empty() && what.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  };
  trim(name, " ");
  trim(value, " ");
  trim(value, "\"'");
  for (const Json& one : list) {
    const Json* field = at_json_path(one, "." + std::string(name));
    if (field != nullptr && field->is_string() && *field == value) return &one;
  }
  return nullptr;
}

const Json* step_into(const Json& at, std::string_view bracket) {
  if (bracket.size() >= 2 && (bracket[0] == '\'' || bracket[0] == '"')) {
    if (!at.is_object()) return nullptr;
    const auto field = at.find(bracket.substr(1, bracket.size() - 2));
    return field == at.end() ? nullptr : &*field;
  }
  if (!at.is_array()) return nullptr;
  if (bracket.starts_with('?')) return filtered(at, bracket);
  if (bracket == "*") return at.empty() ? nullptr : &at.front();
  std::size_t index = 0;
  const char* end = bracket.data() + bracket.size();
  const auto read = std::from_chars(bracket.data(), end, index);
  if (read.ec != std::errc() || read.ptr != end || index >= at.size()) return nullptr;
  return &at[index];
}

// The end of "[...]", over quotes.
std::size_t closing(std::string_view path) {
  char quote = '\0';
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (quote != '\0') {
      if (path[i] == quote) quote = '\0';
    } else if (path[i] == '"' || path[i] == '\'') {
      quote = path[i];
    } else if (path[i] == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

const Json* at_json_path(const Json& object, std::string_view path) {
  if (path.starts_with('{') && path.ends_with('}')) path = path.substr(1, path.size() - 2);
  if (path.starts_with('$')) path.remove_prefix(1);
  const Json* at = &object;
  while (!path.empty() && at != nullptr) {
    if (path[0] == '[') {
      const std::size_t end = closing(path);
      if (end == std::string_view::npos) return nullptr;
      at = step_into(*at, path.substr(1, end - 1));
      path.remove_prefix(end + 1);
      continue;
    }
    if (path[0] != '.') return nullptr;
    path.remove_prefix(1);
    std::string name;
    // A backslash keeps the dot of a key.
    while (!path.empty() && path[0] != '.' && path[0] != '[') {
      if (path[0] == '\\' && path.size() > 1) path.remove_prefix(1);
      name += path[0];
      path.remove_prefix(1);
    }
    if (name.empty()) continue;
    if (!at->is_object()) return nullptr;
    const auto field = at->find(name);
    at = field == at->end() ? nullptr : &*field;
  }
  return at;
}

Json crd_cell(const Json& object, const Column& column, std::int64_t now_s) {
  const Json* value = at_json_path(object, column.json_path);
  if (value == nullptr || value->is_null()) return nullptr;
  if (column.type == "date") {
    return value->is_string() ? Json(age_of(value->get<std::string>(), now_s)) : Json("<invalid>");
  }
  if (column.type == "string") {
    return value->is_string() ? *value : Json(value->dump());
  }
  if (column.type == "integer") return value->is_number_integer() ? *value : Json();
  if (column.type == "number") return value->is_number() ? *value : Json();
  if (column.type == "boolean") return value->is_boolean() ? *value : Json();
  return *value;
}

}  // namespace nacelle::kube::schema
