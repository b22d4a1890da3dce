// markup_filters.cc: escaping for HTML and URLs.
#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/tables.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

Result<Value> escape(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("escape", args, {"s"}, 1));
  if (bound[0].is_string() && bound[0].string().is_markup()) return bound[0];
  ASSIGN_OR_RETURN(const std::string text, to_text(interpreter.runtime(), bound[0]));
  return make_string(interpreter.runtime(), escape_html(text), true);
}

Result<Value> force_escape(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("forceescape", args, {"value"}, 1));
  ASSIGN_OR_RETURN(const std::string text, to_text(interpreter.runtime(), bound[0]));
  return make_string(interpreter.runtime(), escape_html(text), true);
}

Result<Value> safe(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("safe", args, {"value"}, 1));
  ASSIGN_OR_RETURN(std::string text, to_text(interpreter.runtime(), bound[0]));
  return make_string(interpreter.runtime(), std::move(text), true);
}

// Everything but letters, digits and _.-~ as %XX. In a query, / is quoted too and a space is +.
std::string quote_url(std::string_view text, bool is_query) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '~';
    if (is_plain || (c == '/' && !is_query)) {
      out += c;
    } else if (c == ' ' && is_query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<Value> urlencode(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("urlencode", args, {"value"}, 1));
  Runtime& runtime = interpreter.runtime();
  const Value& value = bound[0];
  if (value.is_string() || !is_iterable(value)) {
    ASSIGN_OR_RETURN(const std::string text, to_text(runtime, value));
    RETURN_IF_ERROR(runtime.spend(text.size() / 8));
    return make_string(runtime, quote_url(text, false));
  }
  std::string out;
  const auto add = [&](const Value& key, const Value& item) -> Status {
    if (!out.empty()) out += '&';
    ASSIGN_OR_RETURN(const std::string name, to_text(runtime, key));
    ASSIGN_OR_RETURN(const std::string text, to_text(runtime, item));
    out += quote_url(name, true) + "=" + quote_url(text, true);
    RETURN_IF_ERROR(runtime.spend(1 + (name.size() + text.size()) / 8));
    return runtime.reserve(out.size());
  };
  if (value.is(Kind::kDict)) {
    for (const auto& [key, item] : value.dict().entries()) RETURN_IF_ERROR(add(key, item));
    return make_string(runtime, std::move(out));
  }
  ASSIGN_OR_RETURN(const std::vector<Value> pairs, collect(interpreter, value));
  for (const Value& pair : pairs) {
    ASSIGN_OR_RETURN(const std::vector<Value> parts, collect(interpreter, pair));
    if (parts.size() != 2) return invalid_argument("urlencode needs pairs");
    RETURN_IF_ERROR(add(parts[0], parts[1]));
  }
  return make_string(runtime, std::move(out));
}

constexpr FilterEntry kFilters[] = {
    {"e", &escape},  {"escape", &escape},       {"forceescape", &force_escape},
    {"safe", &safe}, {"urlencode", &urlencode},
};

}  // namespace

std::span<const FilterEntry> markup_filters() { return kFilters; }

}  // namespace nacelle::chat_template
