#include "model/field_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

namespace nacelle::model {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShownBytes = 60;  // of a bad value inside a message
constexpr std::size_t kMaxComplaints = 16;  // the rest is counted only
constexpr std::size_t kMaxIds = 1024;
constexpr std::size_t kMaxNesting = 64;

// Levels of brackets and braces outside of strings. Right for valid JSON; other text fails to
// parse.
std::size_t nesting_of(std::string_view text) {
  std::size_t level = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++level);
    } else if ((c == ']' || c == '}') && level > 0) {
      --level;
    }
  }
  return deepest;
}

// The value as JSON text, shortened; bytes that are not UTF-8 are replaced.
std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMaxShownBytes) text = text.substr(0, kMaxShownBytes) + "...";
  return text;
}

}  // namespace

Result<json> parse_json_object(std::string_view text, std::string_view source) {
  if (const std::size_t nesting = nesting_of(text); nesting > kMaxNesting) {
    return invalid_argument("{} is nested {} levels deep, accepted: {}", source, nesting,
                            kMaxNesting);
  }
  try {
    json parsed = json::parse(text);
    if (!parsed.is_object()) {
      return invalid_argument("{} must hold a JSON object, got {}", source, parsed.type_name());
    }
    return parsed;
  } catch (const json::parse_error& error) {
    return invalid_argument("{} is not valid JSON at byte {} of {}", source, error.byte,
                            text.size());
  } catch (const json::exception& error) {  // a number that no double can hold
    return invalid_argument("{} is not acceptable JSON: {}", source, error.what());
  }
}

std::string printable(std::string_view name, std::size_t max_bytes) {
  std::string out(name.substr(0, max_bytes));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (name.size() > max_bytes) out += "...";
  return out;
}

FieldReader::FieldReader(const json& object, std::string source, std::string prefix)
    : object_(object), source_(std::move(source)), prefix_(std::move(prefix)) {}

const json* FieldReader::find(std::string_view key) const {
  const auto found = object_.find(key);
  if (found == object_.end() || found->is_null()) return nullptr;
  return &*found;
}

bool FieldReader::has(std::string_view key) const { return find(key) != nullptr; }

bool FieldReader::mentions(std::string_view key) const { return object_.contains(key); }

void FieldReader::complain(std::string complaint) { complaints_.push_back(std::move(complaint)); }

void FieldReader::refuse(std::string_view key, std::string_view accepted) {
  if (const json* value = find(key)) complain_value(key, *value, accepted);
}

std::optional<FieldReader> FieldReader::nested(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    complain_value(key, *value, "an object");
    return std::nullopt;
  }
  return FieldReader(*value, source_, fmt::format("{}{}.", prefix_, printable(key)));
}

void FieldReader::adopt(const FieldReader& nested) {
  complaints_.insert(complaints_.end(), nested.complaints_.begin(), nested.complaints_.end());
}

void FieldReader::complain_value(std::string_view key, const json& value,
                                 std::string_view accepted) {
  complain(fmt::format("{}{} is {}, accepted: {}", prefix_, key, shown(value), accepted));
}

std::optional<std::int64_t> FieldReader::as_integer(const json& value) const {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    // Beyond 2^53 a double no longer names one whole number.
    if (!(std::abs(number) <= 9007199254740992.0) || number != std::floor(number)) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view key, std::int64_t min,
                                                 std::int64_t max) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = as_integer(*value);
  if (!number || *number < min || *number > max) {
    complain_value(key, *value, fmt::format("a whole number from {} to {}", min, max));
    return std::nullopt;
  }
  return number;
}

std::uint32_t FieldReader::require_u32(std::string_view key, std::uint32_t min, std::uint32_t max) {
  if (!has(key)) {
    complain(fmt::format("{}{} is missing", prefix_, key));
    return min;
  }
  return u32_or(key, min, max, min);
}

std::uint32_t FieldReader::u32_or(std::string_view key, std::uint32_t min, std::uint32_t max,
                                  std::uint32_t absent) {
  const std::optional<std::int64_t> number = integer(key, min, max);
  return number ? static_cast<std::uint32_t>(*number) : absent;
}

std::optional<double> FieldReader::number(std::string_view key, double min, double max) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const double number =
      value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= min && number <= max)) {
    complain_value(key, *value, fmt::format("a number from {} to {}", min, max));
    return std::nullopt;
  }
  return number;
}

std::vector<double> FieldReader::numbers(std::string_view key, std::size_t max_count, double min,
                                         double max) {
  std::vector<double> out;
  const json* value = find(key);
  if (value == nullptr) return out;
  if (!value->is_array() || value->size() > max_count) {
    complain_value(key, *value, fmt::format("a list of at most {} numbers", max_count));
    return out;
  }
  for (const json& item : *value) {
    if (!item.is_number() || !(item.get<double>() >= min && item.get<double>() <= max)) {
      complain_value(key, item, fmt::format("in its list, numbers from {} to {}", min, max));
      return {};
    }
    out.push_back(item.get<double>());
  }
  return out;
}

bool FieldReader::boolean_or(std::string_view key, bool absent) {
  const json* value = find(key);
  if (value == nullptr) return absent;
  if (!value->is_boolean()) {
    complain_value(key, *value, "true or false");
    return absent;
  }
  return value->get<bool>();
}

std::optional<std::string> FieldReader::text(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    complain_value(key, *value, "a string");
    return std::nullopt;
  }
  return value->get<std::string>();
}

std::vector<std::string> FieldReader::texts(std::string_view key, std::size_t max_count) {
  std::vector<std::string> out;
  const json* value = find(key);
  if (value == nullptr) return out;
  bool good = value->is_array() && value->size() <= max_count;
  if (good) {
    for (const json& item : *value) good = good && item.is_string();
  }
  if (!good) {
    complain_value(key, *value, fmt::format("a list of at most {} strings", max_count));
    return out;
  }
  for (const json& item : *value) out.push_back(item.get<std::string>());
  return out;
}

std::vector<std::int32_t> FieldReader::one_or_more_ids(std::string_view key) {
  constexpr std::int64_t kMaxId = std::numeric_limits<std::int32_t>::max();
  std::vector<std::int32_t> out;
  const json* value = find(key);
  if (value == nullptr) return out;
  const auto take = [&](const json& item) {
    const std::optional<std::int64_t> id = as_integer(item);
    if (!id || *id < 0 || *id > kMaxId) return false;
    out.push_back(static_cast<std::int32_t>(*id));
    return true;
  };
  bool good = true;
  if (value->is_array()) {
    good = value->size() <= kMaxIds;
    for (std::size_t i = 0; good && i < value->size(); ++i) good = take((*value)[i]);
  } else {
    good = take(*value);
  }
  if (!good) {
    complain_value(key, *value, "a token id or a list of token ids, none negative");
    out.clear();
  }
  return out;
}

Status FieldReader::status() const {
  if (complaints_.empty()) return {};
  std::string all;
  for (std::size_t i = 0; i < complaints_.size() && i < kMaxComplaints; ++i) {
    if (i > 0) all += "; ";
    all += complaints_[i];
  }
  if (complaints_.size() > kMaxComplaints) {
    all += fmt::format("; and {} more", complaints_.size() - kMaxComplaints);
  }
  return invalid_argument("{}: {}", source_, all);
}

}  // namespace nacelle::model
