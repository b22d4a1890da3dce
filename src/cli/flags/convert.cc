#include "cli/flags/convert.h"

#include <charconv>

#include "base/human_int.h"

namespace nacelle::cli {
namespace {

bool one_of(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) break;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

template <class Number>
bool parse_all(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end && !text.empty();
}

}  // namespace

Result<FlagValue> convert(const FlagSpec& spec, const std::string& text) {
  FlagValue value;
  value.text = text;
  if (!spec.choices.empty() && !one_of(spec.choices, text)) {
    return invalid_argument("--{}: '{}' is not one of {}", spec.name, text, spec.choices);
  }
  switch (spec.kind) {
    case FlagKind::kBool:
      value.boolean = text == "true";
      break;
    case FlagKind::kInt:
      if (!parse_all(text, value.integer)) {
        return invalid_argument("--{}: '{}' is not an integer", spec.name, text);
      }
      break;
    case FlagKind::kHumanInt: {
      if (text == "auto") {
        value.integer = -1;
        break;
      }
      auto number = parse_human_int(text);
      if (!number) return number.error().with_context(fmt::format("--{}", spec.name));
      value.integer = *number;
      break;
    }
    case FlagKind::kFloat:
      if (!parse_all(text, value.real)) {
        return invalid_argument("--{}: '{}' is not a number", spec.name, text);
      }
      break;
    case FlagKind::kString:
      break;
    case FlagKind::kList:
      value.list.push_back(text);
      break;
    case FlagKind::kJson:
      value.json = nlohmann::json::parse(text, nullptr, false);
      if (value.json.is_discarded()) {
        return invalid_argument("--{}: '{}' is not JSON", spec.name, text);
      }
      break;
  }
  return value;
}

nlohmann::json json_part(std::string_view text) {
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_discarded()) return parsed;
  if (auto number = parse_human_int(text)) return *number;
  return std::string(text);
}

Status assign_part(nlohmann::json& target, std::string_view path, std::string_view text) {
  const bool append = path.ends_with('+');
  if (append) path.remove_suffix(1);
  nlohmann::json* at = &target;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string key(path.substr(0, dot));
    if (key.empty()) return invalid_argument("empty key in a dotted flag");
    if (at->is_null()) *at = nlohmann::json::object();
    if (!at->is_object())
      return invalid_argument("'{}' is set inside a value that is not an object", key);
    at = &(*at)[key];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (!append) {
    *at = json_part(text);
    return {};
  }
  if (at->is_null()) *at = nlohmann::json::array();
  if (!at->is_array()) return invalid_argument("'{}+' appends to a value that is not a list", path);
  while (true) {
    const std::size_t comma = text.find(',');
    at->push_back(json_part(text.substr(0, comma)));
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

}  // namespace nacelle::cli
