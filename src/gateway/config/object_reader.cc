#include "gateway/config/object_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/nearest_name.h"

namespace nacelle::gateway {
namespace {

// A value as an error shows it; short, since it may be a whole tree or a secret's text.
std::string shown(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto wrong = [&] {
    return invalid_argument(
        "'{}' is no duration: numbers of at most 5 digits with h, m, s or ms, such as 1h30m", text);
  };
  Duration total{};
  std::string_view rest = text;
  for (int parts = 0; !rest.empty(); ++parts) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits < 6) {
      value = value * 10 + (rest[digits++] - '0');
    }
    if (digits == 0 || digits > 5 || parts == 4) return wrong();
    rest.remove_prefix(digits);
    if (rest.starts_with("ms")) {
      total += std::chrono::milliseconds(value);
      rest.remove_prefix(2);
      continue;
    }
    if (rest.empty()) return wrong();
    switch (rest.front()) {
      case 'h':
        total += std::chrono::hours(value);
        break;
      case 'm':
        total += std::chrono::minutes(value);
        break;
      case 's':
        total += std::chrono::seconds(value);
        break;
      default:
        return wrong();
    }
    rest.remove_prefix(1);
  }
  if (text.empty()) return wrong();
  return total;
}

Result<std::uint64_t> parse_quantity(std::string_view text) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 15) {
    value = value * 10 + static_cast<std::uint64_t>(text[digits++] - '0');
  }
  const std::string_view unit = text.substr(digits);
  std::uint64_t factor = 0;
  if (unit.empty()) factor = 1;
  if (unit == "k") factor = 1000;
  if (unit == "M") factor = 1'000'000;
  if (unit == "G") factor = 1'000'000'000;
  if (unit == "Ki") factor = std::uint64_t{1} << 10;
  if (unit == "Mi") factor = std::uint64_t{1} << 20;
  if (unit == "Gi") factor = std::uint64_t{1} << 30;
  if (digits == 0 || factor == 0 || value > (std::uint64_t{1} << 50) / factor) {
    return invalid_argument("'{}' is no quantity in bytes such as 50Mi, 64Ki or 1048576", text);
  }
  return value * factor;
}

ObjectReader::ObjectReader(const Json& object, std::string where, Problems& problems)
    : object_(&object), where_(std::move(where)), problems_(&problems) {
  if (!object.is_object()) {
    problems_->add(where_, fmt::format("expected an object, got {}", shown(object)));
    object_ = nullptr;
  }
}

ObjectReader::ObjectReader(ObjectReader&& other) noexcept
    : object_(std::exchange(other.object_, nullptr)),
      where_(std::move(other.where_)),
      problems_(other.problems_),
      known_(std::move(other.known_)),
      ignore_rest_(other.ignore_rest_) {}

ObjectReader::~ObjectReader() {
  if (object_ == nullptr || ignore_rest_) return;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::string hint = did_you_mean(key, known_);
    if (hint.empty()) hint = fmt::format("; there are {}", fmt::join(known_, ", "));
    problems_->add(at(key), fmt::format("unknown field{}", hint));
  }
}

std::string ObjectReader::at(std::string_view key) const {
  // "file: Kind ns/name" and a path are joined by ": ", parts of a path by dots.
  return where_.ends_with(":") ? fmt::format("{} {}", where_, key)
                               : fmt::format("{}.{}", where_, key);
}

void ObjectReader::problem(std::string_view key, std::string_view what) {
  problems_->add(at(key), what);
}

const nlohmann::json* ObjectReader::take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json* ObjectReader::raw(std::string_view key) { return take(key); }
bool ObjectReader::has(std::string_view key) { return take(key) != nullptr; }

void ObjectReader::ignore(std::initializer_list<std::string_view> keys) {
  known_.insert(known_.end(), keys.begin(), keys.end());
}

bool ObjectReader::string(std::string_view key, std::string& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_string()) {
    const bool scalar = value->is_number() || value->is_boolean();
    problem(key, fmt::format("expected a string, got {}{}", shown(*value),
                             scalar ? " (put it in quotes)" : ""));
    return false;
  }
  out = value->get<std::string>();
  return true;
}

bool ObjectReader::required(std::string_view key, std::string& out) {
  if (take(key) == nullptr) {
    if (object_ != nullptr) problem(key, "is required");
    return false;
  }
  if (!string(key, out)) return false;
  if (out.empty()) problem(key, "must not be empty");
  return !out.empty();
}

bool ObjectReader::integer(std::string_view key, std::int64_t low, std::int64_t high,
                           std::int64_t& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)) {
    problem(key, fmt::format("expected a whole number, got {}", shown(*value)));
    return false;
  }
  const auto number = value->get<std::int64_t>();
  if (number < low || number > high) {
    problem(key, fmt::format("{} is outside {} to {}", number, low, high));
    return false;
  }
  out = number;
  return true;
}

bool ObjectReader::boolean(std::string_view key, bool& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    problem(key, fmt::format("expected true or false, got {}", shown(*value)));
    return false;
  }
  out = value->get<bool>();
  return true;
}

bool ObjectReader::duration(std::string_view key, Duration& out) {
  std::string text;
  if (!string(key, text)) return false;
  const auto parsed = parse_duration(text);
  if (!parsed) {
    problem(key, parsed.error().message());
    return false;
  }
  out = *parsed;
  return true;
}

bool ObjectReader::quantity(std::string_view key, std::uint64_t& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  const auto parsed =
      parse_quantity(value->is_string() ? value->get<std::string>() : shown(*value));
  if (!parsed) {
    problem(key, parsed.error().message());
    return false;
  }
  out = *parsed;
  return true;
}

bool ObjectReader::strings(std::string_view key, std::size_t max, std::vector<std::string>& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_array() || value->size() > max) {
    problem(key, fmt::format("expected a list of at most {} strings", max));
    return false;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    if ((*value)[i].is_string()) {
      out.push_back((*value)[i].get<std::string>());
    } else {
      problem(fmt::format("{}[{}]", key, i),
              fmt::format("expected a string, got {}", shown((*value)[i])));
    }
  }
  return true;
}

bool ObjectReader::string_map(std::string_view key,
                              std::vector<std::pair<std::string, std::string>>& out) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_object()) {
    problem(key, fmt::format("expected a map of strings, got {}", shown(*value)));
    return false;
  }
  for (const auto& [name, text] : value->items()) {
    if (text.is_string()) {
      out.emplace_back(name, text.get<std::string>());
    } else {
      problem(fmt::format("{}.{}", key, name), "expected a string (put it in quotes)");
    }
  }
  return true;
}

std::optional<std::size_t> ObjectReader::one_of(std::string_view key,
                                                std::initializer_list<std::string_view> names) {
  std::string text;
  if (!string(key, text)) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  problem(key, fmt::format("'{}' is none of {}{}", text, fmt::join(names, ", "),
                           did_you_mean(text, {names.begin(), names.size()})));
  return std::nullopt;
}

bool ObjectReader::each(std::string_view key, std::size_t max,
                        const std::function<void(ObjectReader)>& read) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  if (!value->is_array()) {
    problem(key, fmt::format("expected a list, got {}", shown(*value)));
    return false;
  }
  if (value->size() > max) {
    problem(key, fmt::format("has {} entries, at most {} are accepted", value->size(), max));
  }
  for (std::size_t i = 0; i < std::min(value->size(), max); ++i) {
    read(ObjectReader((*value)[i], fmt::format("{}[{}]", at(key), i), *problems_));
  }
  return true;
}

bool ObjectReader::object(std::string_view key, const std::function<void(ObjectReader)>& read) {
  const Json* value = take(key);
  if (value == nullptr) return false;
  read(ObjectReader(*value, at(key), *problems_));
  return true;
}

}  // namespace nacelle::gateway
