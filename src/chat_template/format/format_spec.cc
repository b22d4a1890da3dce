#include "chat_template/format/format_spec.h"

#include <cmath>
#include <cstdlib>

#include "base/utf8.h"
#include "chat_template/format/number_format.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

// [[fill]align][sign]["z"]["#"]["0"][width][grouping]["." precision][type]
struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ = or 0 when not given
  char sign = '-';
  bool alternate = false;
  bool no_negative_zero = false;
  long width = 0;
  char grouping = 0;
  long precision = -1;
  char type = 0;
};

Status bad_spec(std::string_view spec) {
  return invalid_argument("invalid format specification '{}'", spec);
}

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

Result<long> parse_number(std::string_view spec, std::size_t& pos) {
  long value = 0;
  while (pos < spec.size() && spec[pos] >= '0' && spec[pos] <= '9') {
    value = value * 10 + (spec[pos++] - '0');
    if (value > (1L << 32)) return out_of_range("a format width of {} is too large", value);
  }
  return value;
}

Result<Spec> parse_spec(std::string_view text) {
  Spec spec;
  std::size_t pos = 0;
  const auto take = [&](char c) {
    if (pos >= text.size() || text[pos] != c) return false;
    ++pos;
    return true;
  };
  if (!text.empty()) {
    const std::size_t length = decode_utf8(text, 0).length;
    if (length < text.size() && is_align(text[length])) {
      spec.fill = text.substr(0, length);
      spec.align = text[length];
      pos = length + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      pos = 1;
    }
  }
  const bool has_fill = pos > 1;
  if (pos < text.size() && (text[pos] == '+' || text[pos] == '-' || text[pos] == ' ')) {
    spec.sign = text[pos++];
  }
  spec.no_negative_zero = take('z');
  spec.alternate = take('#');
  if (pos < text.size() && text[pos] == '0' && !has_fill) {
    spec.fill = "0";
    if (spec.align == 0) spec.align = '=';
    ++pos;
  }
  ASSIGN_OR_RETURN(spec.width, parse_number(text, pos));
  if (pos < text.size() && (text[pos] == ',' || text[pos] == '_')) spec.grouping = text[pos++];
  if (take('.')) {
    const std::size_t before = pos;
    ASSIGN_OR_RETURN(spec.precision, parse_number(text, pos));
    if (pos == before) return bad_spec(text);
  }
  if (pos < text.size()) spec.type = text[pos++];
  if (pos != text.size()) return bad_spec(text);
  return spec;
}

// Puts `sign_and_prefix` and `body` into a field of the given width.
Result<std::string> pad(Runtime& runtime, const Spec& spec, const std::string& prefix,
                        const std::string& body, char default_align) {
  const std::size_t length = utf8_length(prefix) + utf8_length(body);
  const auto width = static_cast<std::size_t>(spec.width);
  if (width <= length) return prefix + body;
  const std::size_t missing = width - length;
  RETURN_IF_ERROR(runtime.reserve(missing, spec.fill.size()));
  const auto fill = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += spec.fill;
    return text;
  };
  switch (spec.align == 0 ? default_align : spec.align) {
    case '<':
      return prefix + body + fill(missing);
    case '^':
      return fill(missing / 2) + prefix + body + fill(missing - missing / 2);
    case '=':
      return prefix + fill(missing) + body;
    default:
      return fill(missing) + prefix + body;
  }
}

std::string sign_of(bool is_negative, char sign) {
  if (is_negative) return "-";
  return sign == '-' ? "" : std::string(1, sign);
}

Result<std::string> pad_number(Runtime& runtime, const Spec& spec, const std::string& prefix,
                               std::string whole, const std::string& rest, int group) {
  if (spec.grouping == 0) return pad(runtime, spec, prefix, whole + rest, '>');
  const auto width = static_cast<std::size_t>(spec.width);
  std::string grouped = group_digits(whole, spec.grouping, group);
  if (spec.align == '=' && spec.fill == "0") {
    RETURN_IF_ERROR(runtime.reserve(width * 2));
    RETURN_IF_ERROR(runtime.spend(width));
    while (prefix.size() + grouped.size() + rest.size() < width) {
      const std::size_t groups = grouped.size() / (static_cast<std::size_t>(group) + 1);
      if ((grouped.size() - groups) % static_cast<std::size_t>(group) == 0) {
        grouped.insert(0, 1, spec.grouping);
      }
      grouped.insert(0, 1, '0');
    }
  }
  return pad(runtime, spec, prefix, grouped + rest, '>');
}

// With no type, a precision counts significant digits and one digit follows the point.
std::string general_float(double value, long precision) {
  const std::string exponent_form =
      float_digits(value, 'e', precision > 0 ? precision - 1 : 0, false);
  const std::size_t e = exponent_form.find('e');
  if (e == std::string::npos) return exponent_form;
  const long exponent = std::strtol(exponent_form.c_str() + e + 1, nullptr, 10);
  std::string text = float_digits(value, 'g', precision, false);
  if (text.find('e') == std::string::npos && exponent + 1 > precision - 1 && precision > 0) {
    std::string mantissa = exponent_form.substr(0, e);
    if (mantissa.find('.') != std::string::npos) {
      mantissa.erase(mantissa.find_last_not_of('0') + 1);
      if (mantissa.back() == '.') mantissa.pop_back();
    }
    return mantissa + exponent_form.substr(e);
  }
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Result<std::string> format_float(Runtime& runtime, double value, const Spec& spec) {
  if (spec.precision > kMaxPrecision) {
    return out_of_range("a precision of {} is too large", spec.precision);
  }
  std::string digits;
  std::string suffix;
  const long precision = spec.precision < 0 ? 6 : spec.precision;
  switch (spec.type) {
    case 0:
      digits =
          spec.precision < 0 ? float_repr(std::fabs(value)) : general_float(value, spec.precision);
      break;
    case 'n':
      digits = float_digits(value, 'g', precision, spec.alternate);
      break;
    case '%':
      digits = float_digits(value * 100, 'f', precision, spec.alternate);
      suffix = "%";
      break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      digits = float_digits(value, spec.type, precision, spec.alternate);
      break;
    default:
      return invalid_argument("unknown format code '{}' for a float", spec.type);
  }
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  bool is_negative = std::signbit(value) && !std::isnan(value);
  if (spec.no_negative_zero && digits.find_first_of("123456789") == std::string::npos) {
    is_negative = false;
  }
  return pad_number(runtime, spec, sign_of(is_negative, spec.sign), digits.substr(0, whole),
                    digits.substr(whole) + suffix, 3);
}

Result<std::string> format_int(Runtime& runtime, Int value, const Spec& spec) {
  if (spec.type == 'c') {
    if (value < 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return invalid_argument("a character code is out of range");
    }
    std::string text;
    append_utf8(text, static_cast<char32_t>(value));
    return pad(runtime, spec, "", text, '<');
  }
  int base = 10;
  std::string prefix;
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n':
      break;
    case 'b':
      base = 2;
      prefix = "0b";
      break;
    case 'o':
      base = 8;
      prefix = "0o";
      break;
    case 'x':
      base = 16;
      prefix = "0x";
      break;
    case 'X':
      base = 16;
      prefix = "0X";
      break;
    default:
      return format_float(runtime, static_cast<double>(value), spec);
  }
  if (spec.precision >= 0) return invalid_argument("an integer format takes no precision");
  std::string digits = digits_of(value, base);
  if (spec.type == 'X') {
    for (char& c : digits) c = static_cast<char>(c >= 'a' ? c - 32 : c);
  }
  const std::string sign = sign_of(value < 0, spec.sign);
  return pad_number(runtime, spec, spec.alternate ? sign + prefix : sign, std::move(digits), "",
                    base == 10 ? 3 : 4);
}

Result<std::string> format_text(Runtime& runtime, std::string_view text, const Spec& spec) {
  if ((spec.type != 0 && spec.type != 's') || spec.sign != '-' || spec.alternate ||
      spec.grouping != 0) {
    return invalid_argument("the format specification does not suit text");
  }
  if (spec.align == '=' && spec.fill != "0") {
    return invalid_argument("'=' alignment does not suit text");
  }
  Spec field = spec;
  if (field.align == '=') field.align = '<';
  std::string cut(text);
  if (spec.precision >= 0) {
    std::size_t pos = 0;
    for (long i = 0; i < spec.precision && pos < text.size(); ++i) {
      pos += decode_utf8(text, pos).length;
    }
    cut.resize(pos);
  }
  return pad(runtime, field, "", cut, '<');
}

}  // namespace

Result<std::string> format_value(Runtime& runtime, const Value& value, std::string_view spec) {
  if (spec.empty()) return to_text(runtime, value);
  ASSIGN_OR_RETURN(const Spec parsed, parse_spec(spec));
  if (value.is_string()) return format_text(runtime, value.text(), parsed);
  if (value.is_integral()) return format_int(runtime, value.as_int(), parsed);
  if (value.is(Kind::kFloat)) return format_float(runtime, value.as_double(), parsed);
  return invalid_argument("a value of type '{}' takes no format specification", kind_name(value));
}

}  // namespace nacelle::chat_template
