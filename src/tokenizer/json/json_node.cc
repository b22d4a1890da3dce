#include "tokenizer/json/json_node.h"

#include "base/utf8.h"

namespace nacelle::tokenizer {
namespace {

std::string_view type_name(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      return "a number";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "a boolean";
    default:
      return "null";
  }
}

}  // namespace

Status JsonNode::error(std::string_view what) const {
  return invalid_argument("{}: {}", path_.empty() ? "(top level)" : path_, what);
}

Status JsonNode::wrong_type(std::string_view expected) const {
  return error(fmt::format("expected {}, found {}", expected, type_name(element_)));
}

std::string JsonNode::child(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  simdjson::dom::element value;
  if (!element_.is_object() || element_.at_key(key).get(value) != simdjson::SUCCESS)
    return std::nullopt;
  if (value.is_null()) return std::nullopt;
  return JsonNode(value, child(key));
}

Result<JsonNode> JsonNode::member(std::string_view key) const {
  if (!element_.is_object()) return wrong_type("an object");
  if (auto node = find(key)) return *std::move(node);
  return invalid_argument("{}: missing", child(key));
}

Result<std::vector<JsonNode>> JsonNode::items() const {
  simdjson::dom::array array;
  if (element_.get(array) != simdjson::SUCCESS) return wrong_type("an array");
  std::vector<JsonNode> out;
  std::size_t index = 0;
  for (const auto item : array) out.emplace_back(item, fmt::format("{}[{}]", path_, index++));
  return out;
}

Result<std::string_view> JsonNode::string() const {
  std::string_view value;
  if (element_.get(value) != simdjson::SUCCESS) return wrong_type("a string");
  return value;
}

Result<bool> JsonNode::boolean() const {
  bool value = false;
  if (element_.get(value) != simdjson::SUCCESS) return wrong_type("a boolean");
  return value;
}

Result<double> JsonNode::number() const {
  double value = 0;
  if (element_.get(value) != simdjson::SUCCESS) return wrong_type("a number");
  return value;
}

Result<std::int64_t> JsonNode::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (element_.get(value) != simdjson::SUCCESS) return wrong_type("an integer");
  if (value < low || value > high) {
    return error(fmt::format("{} is outside {}..{}", value, low, high));
  }
  return value;
}

Result<std::string> JsonNode::string_or(std::string_view key, std::string_view fallback) const {
  const auto node = find(key);
  if (!node) return std::string(fallback);
  ASSIGN_OR_RETURN(const std::string_view value, node->string());
  return std::string(value);
}

Result<bool> JsonNode::boolean_or(std::string_view key, bool fallback) const {
  const auto node = find(key);
  if (!node) return fallback;
  return node->boolean();
}

Result<char32_t> JsonNode::character_or(std::string_view key, char32_t fallback) const {
  const auto node = find(key);
  if (!node) return fallback;
  ASSIGN_OR_RETURN(const std::string_view value, node->string());
  if (value.empty() || decode_utf8(value, 0).length != value.size()) {
    return node->error(fmt::format("expected one character, found \"{}\"", value));
  }
  return decode_utf8(value, 0).code_point;
}

Result<std::string_view> JsonNode::type() const {
  ASSIGN_OR_RETURN(const JsonNode node, member("type"));
  return node.string();
}

}  // namespace nacelle::tokenizer
