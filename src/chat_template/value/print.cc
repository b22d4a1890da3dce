#include "chat_template/value/print.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "chat_template/text/unicode.h"
#include "chat_template/value/compare.h"

namespace nacelle::chat_template {
namespace {

Status append_items(Runtime& runtime, const std::vector<Value>& items, std::string& out,
                    int depth) {
  bool first = true;
  for (const Value& item : items) {
    if (!first) out += ", ";
    first = false;
    RETURN_IF_ERROR(append_repr(runtime, item, out, depth + 1));
  }
  return {};
}

Status append_dict(Runtime& runtime, const DictObject& dict, std::string& out, int depth) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : dict.entries()) {
    if (!first) out += ", ";
    first = false;
    RETURN_IF_ERROR(append_repr(runtime, key, out, depth + 1));
    out += ": ";
    RETURN_IF_ERROR(append_repr(runtime, value, out, depth + 1));
  }
  out += '}';
  return {};
}

Status append_view(Runtime& runtime, const DictViewObject& view, std::string& out, int depth) {
  using What = DictViewObject::What;
  out += view.what == What::kKeys     ? "dict_keys(["
         : view.what == What::kValues ? "dict_values(["
                                      : "dict_items([";
  bool first = true;
  for (const auto& [key, value] : view.dict.dict().entries()) {
    if (!first) out += ", ";
    first = false;
    if (view.what == What::kItems) out += '(';
    if (view.what != What::kValues) RETURN_IF_ERROR(append_repr(runtime, key, out, depth + 1));
    if (view.what == What::kItems) out += ", ";
    if (view.what != What::kKeys) RETURN_IF_ERROR(append_repr(runtime, value, out, depth + 1));
    if (view.what == What::kItems) out += ')';
  }
  out += "])";
  return {};
}

void append_range(const RangeObject& range, std::string& out) {
  out += fmt::format("range({}, {}", range.start, range.stop);
  if (range.step != 1) out += fmt::format(", {}", range.step);
  out += ')';
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* digits = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, text.data() + text.size(), exponent);
  // Python switches to the exponent form below 1e-4 and from 1e16 on.
  if (exponent < -4 || exponent >= 16) return std::string(text);
  char fixed[64];
  const auto end = std::to_chars(fixed, fixed + sizeof fixed, value, std::chars_format::fixed);
  std::string result(fixed, end.ptr);
  if (result.find('.') == std::string::npos) result += ".0";
  return result;
}

void append_string_repr(std::string_view text, std::string& out) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out += quote;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    const std::string_view bytes = text.substr(pos, c.length);
    pos += c.length;
    if (c.code_point == static_cast<char32_t>(quote) || c.code_point == '\\') {
      out += '\\';
      out += bytes;
    } else if (c.code_point == '\n') {
      out += "\\n";
    } else if (c.code_point == '\r') {
      out += "\\r";
    } else if (c.code_point == '\t') {
      out += "\\t";
    } else if (is_printable(c.code_point)) {
      out += bytes;
    } else if (c.code_point <= 0xFF) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c.code_point));
    } else if (c.code_point <= 0xFFFF) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c.code_point));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<unsigned>(c.code_point));
    }
  }
  out += quote;
}

Status append_repr(Runtime& runtime, const Value& value, std::string& out, int depth) {
  if (depth > kMaxValueDepth) {
    return out_of_range("a value is nested deeper than {} levels", kMaxValueDepth);
  }
  RETURN_IF_ERROR(runtime.spend(1));
  RETURN_IF_ERROR(runtime.reserve(out.size()));
  switch (value.kind()) {
    case Kind::kUndefined:
      out += "Undefined";
      return {};
    case Kind::kString:
      RETURN_IF_ERROR(runtime.spend(value.text().size() / 16));
      if (value.string().is_markup()) out += "Markup(";
      append_string_repr(value.text(), out);
      if (value.string().is_markup()) out += ')';
      return {};
    case Kind::kList:
      out += '[';
      RETURN_IF_ERROR(append_items(runtime, value.list().items, out, depth));
      out += ']';
      return {};
    case Kind::kTuple:
      out += '(';
      RETURN_IF_ERROR(append_items(runtime, value.list().items, out, depth));
      out += value.list().items.size() == 1 ? ",)" : ")";
      return {};
    case Kind::kDict:
      return append_dict(runtime, value.dict(), out, depth);
    case Kind::kDictView:
      return append_view(runtime, value.dict_view(), out, depth);
    case Kind::kInstance: {
      ASSIGN_OR_RETURN(const std::string text, value.instance().repr(runtime, depth));
      out += text;
      return {};
    }
    default:
      return append_text(runtime, value, out);
  }
}

Status append_text(Runtime& runtime, const Value& value, std::string& out) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kNone:
      out += "None";
      return {};
    case Kind::kBool:
      out += value.as_bool() ? "True" : "False";
      return {};
    case Kind::kInt:
      out += fmt::format("{}", value.as_int());
      return {};
    case Kind::kFloat:
      out += float_repr(value.as_double());
      return {};
    case Kind::kString:
      out += value.text();
      return {};
    case Kind::kRange:
      append_range(value.range(), out);
      return {};
    case Kind::kIterator:
      out += fmt::format("<{} object>", value.iterator().type_name());
      return {};
    default:
      return append_repr(runtime, value, out);
  }
}

Result<std::string> to_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) return value.text();
  std::string text;
  RETURN_IF_ERROR(append_text(runtime, value, text));
  return text;
}

}  // namespace nacelle::chat_template
