#include "chat_template/syntax/string_literal.h"

#include <optional>

#include "base/utf8.h"

namespace nacelle::chat_template {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<char> simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return std::nullopt;
  }
}

// Exactly `count` hexadecimal digits at `pos`.
Result<char32_t> hex_escape(std::string_view body, std::size_t pos, std::size_t count) {
  if (pos + count > body.size()) return invalid_argument("truncated escape in a string");
  char32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = hex_value(body[pos + i]);
    if (digit < 0) return invalid_argument("truncated escape in a string");
    value = value * 16 + static_cast<char32_t>(digit);
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return invalid_argument("an escape in a string is not a character");
  }
  return value;
}

}  // namespace

Result<std::string> unescape_string(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  for (std::size_t pos = 0; pos < body.size();) {
    if (body[pos] != '\\' || pos + 1 >= body.size()) {
      out += body[pos++];
      continue;
    }
    const char c = body[pos + 1];
    if (const auto simple = simple_escape(c)) {
      out += *simple;
      pos += 2;
    } else if (c == '\n') {
      pos += 2;  // a line continued
    } else if (c >= '0' && c <= '7') {
      char32_t value = 0;
      std::size_t end = pos + 1;
      while (end < body.size() && end < pos + 4 && body[end] >= '0' && body[end] <= '7') {
        value = value * 8 + static_cast<char32_t>(body[end++] - '0');
      }
      append_utf8(out, value);
      pos = end;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      ASSIGN_OR_RETURN(const char32_t value, hex_escape(body, pos + 2, count));
      append_utf8(out, value);
      pos += 2 + count;
    } else if (c == 'N') {
      return invalid_argument("\\N escapes are not supported");
    } else {
      out += '\\';
      ++pos;
    }
  }
  return out;
}

}  // namespace nacelle::chat_template
