#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kube/schema/shape.h"

namespace nacelle::kube::schema {
namespace {

// Messages must not carry megabytes of what was sent.
std::string short_dump(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 256) text = text.substr(0, 250) + "...";
  return text;
}

}  // namespace

Finding required(std::string field, std::string_view text) {
  return {"FieldValueRequired", std::move(field),
          text.empty() ? "Required value" : fmt::format("Required value: {}", text)};
}

Finding invalid(std::string field, const Json& value, std::string_view text) {
  return {"FieldValueInvalid", std::move(field),
          fmt::format("Invalid value: {}: {}", short_dump(value), text)};
}

Finding unsupported(std::string field, const Json& value,
                    const std::vector<std::string>& supported) {
  std::string list;
  for (const std::string& one : supported) {
    if (!list.empty()) list += ", ";
    list += '"' + one + '"';
  }
  return {"FieldValueNotSupported", std::move(field),
          fmt::format("Unsupported value: {}: supported values: {}", short_dump(value), list)};
}

Finding forbidden(std::string field, std::string_view text) {
  return {"FieldValueForbidden", std::move(field), fmt::format("Forbidden: {}", text)};
}

Finding duplicate(std::string field, const Json& value) {
  return {"FieldValueDuplicate", std::move(field),
          fmt::format("Duplicate value: {}", short_dump(value))};
}

Finding too_long(std::string field, std::size_t most_bytes) {
  return {"FieldValueTooLong", std::move(field),
          fmt::format("Too long: may not be more than {} bytes", most_bytes)};
}

}  // namespace nacelle::kube::schema
