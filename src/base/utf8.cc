#include "base/utf8.h"

#include <cstdint>

namespace nacelle {
namespace {

struct Lead {
  int length;              // 0 when the byte cannot start a character
  std::uint8_t low, high;  // range of the second byte (RFC 3629 table 3-7)
};

Lead classify(std::uint8_t b) {
  if (b < 0x80) return {1, 0, 0};
  if (b < 0xC2) return {0, 0, 0};
  if (b < 0xE0) return {2, 0x80, 0xBF};
  if (b == 0xE0) return {3, 0xA0, 0xBF};
  if (b == 0xED) return {3, 0x80, 0x9F};
  if (b < 0xF0) return {3, 0x80, 0xBF};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b < 0xF4) return {4, 0x80, 0xBF};
  if (b == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Bytes at `pos` that form a valid start of one character; `needed` is the whole character's
// length.
struct Span {
  int valid, needed;
};

Span scan(std::string_view text, std::size_t pos) {
  const Lead lead = classify(static_cast<std::uint8_t>(text[pos]));
  if (lead.length <= 1) return {lead.length, lead.length};
  int valid = 1;
  while (valid < lead.length && pos + valid < text.size()) {
    const auto b = static_cast<std::uint8_t>(text[pos + valid]);
    const std::uint8_t low = valid == 1 ? lead.low : 0x80;
    const std::uint8_t high = valid == 1 ? lead.high : 0xBF;
    if (b < low || b > high) break;
    ++valid;
  }
  return {valid, lead.length};
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, std::size_t pos) {
  const Span span = scan(text, pos);
  if (span.needed == 0 || span.valid < span.needed) return {};
  const auto byte = [&](int i) { return static_cast<std::uint8_t>(text[pos + i]); };
  switch (span.needed) {
    case 1:
      return {byte(0), 1, true};
    case 2:
      return {char32_t((byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu)), 2, true};
    case 3:
      return {char32_t((byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu)), 3,
              true};
    default:
      return {char32_t((byte(0) & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
                       (byte(3) & 0x3Fu)),
              4, true};
  }
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t pos = 0; pos < text.size();) {
    const Span span = scan(text, pos);
    if (span.needed == 0 || span.valid < span.needed) return false;
    pos += span.needed;
  }
  return true;
}

std::size_t utf8_length(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t pos = 0; pos < text.size(); ++count) pos += decode_utf8(text, pos).length;
  return count;
}

std::size_t complete_utf8_prefix(std::string_view text) {
  const std::size_t window = text.size() < 3 ? text.size() : 3;
  for (std::size_t back = 1; back <= window; ++back) {
    const std::size_t pos = text.size() - back;
    const Span span = scan(text, pos);
    if (span.needed > 1 && span.valid == static_cast<int>(back) && span.valid < span.needed)
      return pos;
  }
  return text.size();
}

std::string sanitize_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const Span span = scan(text, pos);
    if (span.needed != 0 && span.valid == span.needed) {
      out.append(text.substr(pos, span.needed));
      pos += span.needed;
    } else {
      append_utf8(out, kReplacementChar);
      pos += span.valid > 0 ? span.valid : 1;
    }
  }
  return out;
}

}  // namespace nacelle
