#include "openai/wire/json_reader.h"

#include <cmath>

#include "openai/limits.h"

namespace nacelle::openai::wire {
namespace {

// An integer, or a float without a fraction, within the 64-bit signed range.
std::optional<std::int64_t> as_integer(const dom::element& value) {
  std::int64_t integer = 0;
  if (value.get(integer) == simdjson::SUCCESS) return integer;
  double number = 0;
  if (!value.is_double() || value.get(number) != simdjson::SUCCESS) return std::nullopt;
  if (number != std::floor(number) || std::fabs(number) >= 9.2e18) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Error malformed(simdjson::error_code code) {
  switch (code) {
    case simdjson::EMPTY:
      return body_error("The request body is empty; a JSON object is required.");
    case simdjson::DEPTH_ERROR:
      return body_error(
          fmt::format("The request body nests deeper than {} levels.", kMaxJsonDepth));
    case simdjson::CAPACITY:
      return body_error("The request body is too large to be parsed.");
    default:
      return body_error(
          fmt::format("The request body is not valid JSON: {}", simdjson::error_message(code)));
  }
}

// Of a name given twice the last value stays, as in Python. The ordered object looks names up one
// by one, so a map finds the repeats: a body of a million keys takes linear time.
nlohmann::ordered_json object_to_json(const dom::object& object) {
  using Json = nlohmann::ordered_json;
  Json out = Json::object();
  auto& members = out.get_ref<Json::object_t&>();
  std::unordered_map<std::string_view, std::size_t> positions;
  for (const dom::key_value_pair& pair : object) {
    const auto [entry, is_new] = positions.try_emplace(pair.key, members.size());
    Json value = to_ordered_json(pair.value);
    if (is_new) {
      members.emplace_back(std::string(pair.key), std::move(value));
    } else {
      std::next(members.begin(), static_cast<std::ptrdiff_t>(entry->second))->second =
          std::move(value);
    }
  }
  return out;
}

}  // namespace

Error wrong_type(std::string_view field, std::string_view expected) {
  return body_error(fmt::format("{}: Input should be {}.", field, expected), std::string(field));
}

Parsed<Document> Document::parse(std::string_view body) {
  // Nothing may have no address either, which the parser's copy does not expect.
  if (body.empty()) return malformed(simdjson::EMPTY);
  Document document;
  document.parser_ = std::make_unique<dom::parser>();
  // Room for the body alone: the default would keep what a larger one needed.
  const std::size_t capacity = std::max<std::size_t>(body.size(), 64);
  if (auto code = document.parser_->allocate(capacity, kMaxJsonDepth)) return malformed(code);
  auto element = document.parser_->parse(body.data(), body.size());
  if (element.error()) return malformed(element.error());
  if (element.value_unsafe().get(document.root_)) {
    return body_error("The request body should be a JSON object.");
  }
  return document;
}

Check read(const Field& field, bool& out) {
  if (field.value.is_null()) return {};
  if (field.value.get(out)) return wrong_type(field.name, "a valid boolean");
  return {};
}

Check read(const Field& field, double& out) {
  if (field.value.is_null()) return {};
  if (field.value.get(out)) return wrong_type(field.name, "a valid number");
  return {};
}

Check read(const Field& field, std::int64_t& out) {
  if (field.value.is_null()) return {};
  const auto integer = as_integer(field.value);
  if (!integer) return wrong_type(field.name, "a valid integer");
  out = *integer;
  return {};
}

Check read(const Field& field, std::string& out) {
  if (field.value.is_null()) return {};
  std::string_view text;
  if (field.value.get(text)) return wrong_type(field.name, "a valid string");
  out.assign(text);
  return {};
}

Check read(const Field& field, std::vector<std::int64_t>& out) {
  if (field.value.is_null()) return {};
  dom::array items;
  if (field.value.get(items)) return wrong_type(field.name, "a list of integers");
  out.clear();
  for (dom::element item : items) {
    const auto integer = as_integer(item);
    if (!integer) return wrong_type(field.name, "a list of integers");
    out.push_back(*integer);
  }
  return {};
}

Check read(const Field& field, std::vector<std::string>& out) {
  if (field.value.is_null()) return {};
  dom::array items;
  if (field.value.get(items)) return wrong_type(field.name, "a list of strings");
  out.clear();
  for (dom::element item : items) {
    std::string_view text;
    if (item.get(text)) return wrong_type(field.name, "a list of strings");
    out.emplace_back(text);
  }
  return {};
}

Check read(const Field& field, nlohmann::ordered_json& out) {
  out = to_ordered_json(field.value);
  return {};
}

nlohmann::ordered_json to_ordered_json(const dom::element& value) {
  using Json = nlohmann::ordered_json;
  switch (value.type()) {
    case dom::element_type::ARRAY: {
      Json out = Json::array();
      for (dom::element item : dom::array(value)) out.push_back(to_ordered_json(item));
      return out;
    }
    case dom::element_type::OBJECT:
      return object_to_json(dom::object(value));
    case dom::element_type::INT64:
      return std::int64_t(value);
    case dom::element_type::UINT64:
      return std::uint64_t(value);
    case dom::element_type::DOUBLE:
      return double(value);
    case dom::element_type::STRING:
      return std::string(std::string_view(value));
    case dom::element_type::BOOL:
      return bool(value);
    case dom::element_type::NULL_VALUE:
      return nullptr;
  }
  return nullptr;
}

}  // namespace nacelle::openai::wire
