#include "chat_template/text/number_parse.h"

#include <cstdlib>
#include <string>

#include "chat_template/text/python_string.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

int prefix_base(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 0;
  switch (text[1] | 0x20) {
    case 'x':
      return 16;
    case 'o':
      return 8;
    case 'b':
      return 2;
    default:
      return 0;
  }
}

}  // namespace

ParsedInt parse_int(std::string_view text, int base) {
  ParsedInt result;
  text = strip(text, Side::kBoth);
  const bool is_negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const int prefixed = prefix_base(text);
  const bool is_automatic = base == 0;
  if (prefixed != 0 && (is_automatic || base == prefixed)) {
    base = prefixed;
    text.remove_prefix(2);
    if (text.starts_with("_")) text.remove_prefix(1);
  } else if (is_automatic) {
    base = 10;
  }
  if (base < 2 || base > 36 || text.empty()) return result;
  bool after_digit = false;
  bool is_too_large = false;
  for (const char c : text) {
    if (c == '_') {
      if (!after_digit) return result;
      after_digit = false;
      continue;
    }
    const int digit = digit_value(c);
    if (digit >= base) return result;
    after_digit = true;
    is_too_large = is_too_large || __builtin_mul_overflow(result.value, Int{base}, &result.value) ||
                   __builtin_sub_overflow(result.value, Int{digit}, &result.value);
  }
  if (!after_digit) return result;
  // Collected as a negative number, which has one more value.
  if (!is_negative && !is_too_large) {
    is_too_large = __builtin_sub_overflow(Int{0}, result.value, &result.value);
  }
  result.outcome = is_too_large ? ParsedInt::Outcome::kTooLarge : ParsedInt::Outcome::kValue;
  return result;
}

std::optional<double> parse_float(std::string_view text) {
  text = strip(text, Side::kBoth);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
      continue;
    }
    const bool is_between =
        i > 0 && i + 1 < text.size() && is_digit_char(text[i - 1]) && is_digit_char(text[i + 1]);
    if (!is_between) return std::nullopt;
  }
  std::string_view body = plain;
  if (!body.empty() && (body[0] == '-' || body[0] == '+')) body.remove_prefix(1);
  const std::string word = to_lower(body);
  if (word == "inf" || word == "infinity" || word == "nan") {
    return std::strtod(plain.c_str(), nullptr);
  }
  // strtod also reads hexadecimal, which Python does not.
  if (body.empty() || body.find_first_not_of("0123456789.eE+-") != std::string_view::npos) {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(plain.c_str(), &end);
  if (end != plain.c_str() + plain.size()) return std::nullopt;
  return value;
}

}  // namespace nacelle::chat_template
