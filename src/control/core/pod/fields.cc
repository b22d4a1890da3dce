#include "control/core/pod/fields.h"

#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace nacelle::control::pod {
namespace {

const Json& empty_object() {
  static const Json empty = Json::object();
  return empty;
}

std::optional<std::int64_t> integer(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    // Beyond 2^53 a double no longer names one integer.
    if (std::abs(number) <= 0x1p53 && number == std::floor(number)) {
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string shown(const Json& value) {
  constexpr std::size_t kLimit = 60;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kLimit) {
    text.resize(complete_utf8_prefix(std::string_view(text).substr(0, kLimit)));
    text += "...";
  }
  return text;
}

Fields::Fields(const Json& object, std::string path, Status& error)
    : object_(&object), path_(std::move(path)), error_(&error) {
  if (object.is_object()) return;
  if (!object.is_null() && error_->ok()) {
    *error_ = invalid_argument("{} must be an object, got {}", path_.empty() ? "the pod" : path_,
                               shown(object));
  }
  object_ = &empty_object();
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

const Json* Fields::find(std::string_view name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

void Fields::complain(std::string_view name, std::string_view what) const {
  if (!error_->ok()) return;
  const Json* value = find(name);
  *error_ = value == nullptr
                ? invalid_argument("{} {}", path_of(name), what)
                : invalid_argument("{} {}, got {}", path_of(name), what, shown(*value));
}

std::string Fields::text(std::string_view name, std::string_view fallback) const {
  const Json* value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string()) return value->get<std::string>();
  complain(name, "must be a string");
  return std::string(fallback);
}

bool Fields::boolean(std::string_view name, bool fallback) const {
  const Json* value = find(name);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  complain(name, "must be true or false");
  return fallback;
}

std::optional<std::int64_t> Fields::number(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = integer(*value);
  if (!number) complain(name, "must be an integer");
  return number;
}

std::int64_t Fields::number(std::string_view name, std::int64_t fallback, std::int64_t least,
                            std::int64_t most) const {
  const std::optional<std::int64_t> value = number(name);
  if (!value) return fallback;
  if (*value >= least && *value <= most) return *value;
  complain(name, fmt::format("must be from {} to {}", least, most));
  return fallback;
}

Fields Fields::child(std::string_view name) const {
  const Json* value = find(name);
  return Fields(value == nullptr ? empty_object() : *value, path_of(name), *error_);
}

const Json* Fields::list(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr || value->is_array()) return value;
  complain(name, "must be a list");
  return nullptr;
}

std::vector<Fields> Fields::items(std::string_view name) const {
  std::vector<Fields> out;
  const Json* values = list(name);
  if (values == nullptr) return out;
  out.reserve(values->size());
  for (std::size_t i = 0; i < values->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", path_of(name), i);
    if ((*values)[i].is_object()) {
      out.emplace_back((*values)[i], path, *error_);
    } else if (error_->ok()) {
      *error_ = invalid_argument("{} must be an object, got {}", path, shown((*values)[i]));
    }
  }
  return out;
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  std::vector<std::string> out;
  const Json* values = list(name);
  if (values == nullptr) return out;
  for (const Json& value : *values) {
    if (value.is_string()) {
      out.push_back(value.get<std::string>());
    } else {
      complain(name, "must be a list of strings");
    }
  }
  return out;
}

StringMap Fields::text_map(std::string_view name) const {
  StringMap out;
  const Json* value = find(name);
  if (value == nullptr) return out;
  if (!value->is_object()) {
    complain(name, "must be an object");
    return out;
  }
  for (const auto& [key, item] : value->items()) {
    if (item.is_string()) {
      out.emplace(key, item.get<std::string>());
    } else if (!item.is_null() && error_->ok()) {
      *error_ =
          invalid_argument("{}['{}'] must be a string, got {}", path_of(name), key, shown(item));
    }
  }
  return out;
}

}  // namespace nacelle::control::pod
