#include "provider/json/json.h"

#include <cmath>

namespace nacelle::provider::json {

namespace {

// The tree is walked by recursion later on, so depth is bounded before it is built.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse(std::string_view text) {
  if (too_deep(text)) return invalid_argument("JSON is nested deeper than {} levels", kMaxDepth);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return invalid_argument("the body is not valid JSON");
  return value;
}

Result<Json> parse_object(std::string_view text) {
  ASSIGN_OR_RETURN(Json value, parse(text));
  if (!value.is_object()) return invalid_argument("the body is not a JSON object");
  return value;
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(name));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json* array_member(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  return found != nullptr && found->is_array() ? found : nullptr;
}

const Json* object_member(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  return found != nullptr && found->is_object() ? found : nullptr;
}

std::string string_member(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

bool bool_member(const Json& object, std::string_view name, bool fallback) {
  const Json* found = member(object, name);
  return found != nullptr && found->is_boolean() ? found->get<bool>() : fallback;
}

std::optional<std::int64_t> integer_member(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  if (found == nullptr) return std::nullopt;
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(value);
  }
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_number_float()) return std::nullopt;
  const double value = found->get<double>();
  if (std::trunc(value) != value || std::abs(value) > 9e15) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::uint64_t count_member(const Json& object, std::string_view name) {
  const auto value = integer_member(object, name);
  return value && *value > 0 ? static_cast<std::uint64_t>(*value) : 0;
}

void copy_member(const Json& from, std::string_view name, Json& to, std::string_view as) {
  if (const Json* found = member(from, name)) to[std::string(as)] = *found;
}

}  // namespace nacelle::provider::json
