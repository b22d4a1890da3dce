#include "chat_template/text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/utf8.h"

namespace nacelle::chat_template {
namespace {

struct ClassRange {
  char32_t first;
  char32_t last;
  std::uint8_t stride;
};

struct CaseRange {
  char32_t first;
  char32_t last;
  std::uint8_t stride;
  std::int32_t delta;
};

struct SpecialCase {
  char32_t point;
  char32_t mapped[4];  // ends with 0
};

#include "chat_template/text/unicode_tables.inc"

template <class Range>
const Range* find_range(std::span<const Range> ranges, char32_t c) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                      [](char32_t x, const Range& r) { return x < r.first; });
  if (after == ranges.begin()) return nullptr;
  const Range& range = *(after - 1);
  if (c > range.last || (c - range.first) % range.stride != 0) return nullptr;
  return &range;
}

bool in_class(std::span<const ClassRange> ranges, char32_t c) {
  return find_range(ranges, c) != nullptr;
}

void append_mapped(std::span<const CaseRange> ranges, std::span<const SpecialCase> special,
                   char32_t c, std::string& out) {
  if (const CaseRange* range = find_range(ranges, c); range != nullptr) {
    append_utf8(out, static_cast<char32_t>(static_cast<std::int32_t>(c) + range->delta));
    return;
  }
  const auto it = std::lower_bound(special.begin(), special.end(), c,
                                   [](const SpecialCase& s, char32_t x) { return s.point < x; });
  if (it == special.end() || it->point != c) {
    append_utf8(out, c);
    return;
  }
  for (const char32_t* mapped = it->mapped; *mapped != 0; ++mapped) append_utf8(out, *mapped);
}

constexpr char32_t kCapitalSigma = 0x3A3;

bool is_cased(char32_t c) { return is_upper(c) || is_lower(c) || is_title(c); }

// Capital sigma becomes the final form after a letter and before none (Unicode table 3-17).
bool is_final_sigma(std::string_view text, std::size_t pos) {
  bool after_letter = false;
  for (std::size_t i = pos; i > 0;) {
    --i;
    while (i > 0 && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) --i;
    const char32_t c = decode_utf8(text, i).code_point;
    if (in_class(kCaseIgnorable, c)) continue;
    after_letter = is_cased(c);
    break;
  }
  if (!after_letter) return false;
  for (std::size_t i = pos + decode_utf8(text, pos).length; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    i += c.length;
    if (in_class(kCaseIgnorable, c.code_point)) continue;
    return !is_cased(c.code_point);
  }
  return true;
}

bool is_ascii_lower(char32_t c) { return c >= 'a' && c <= 'z'; }
bool is_ascii_upper(char32_t c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

bool is_alpha(char32_t c) {
  if (c < 0x80) return is_ascii_lower(c) || is_ascii_upper(c);
  return in_class(kAlpha, c);
}

bool is_decimal(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_class(kDecimal, c);
}

bool is_digit(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_class(kDigit, c);
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_class(kNumeric, c);
}

bool is_alnum(char32_t c) { return is_alpha(c) || is_numeric(c) || is_digit(c); }

bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  return !in_class(kNotPrintable, c);
}

bool is_upper(char32_t c) { return c < 0x80 ? is_ascii_upper(c) : in_class(kUpper, c); }
bool is_lower(char32_t c) { return c < 0x80 ? is_ascii_lower(c) : in_class(kLower, c); }
bool is_title(char32_t c) { return c >= 0x80 && in_class(kTitle, c); }

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return in_class(kSpace, c);
}

void append_upper(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(is_ascii_lower(c) ? c - 32 : c);
  } else {
    append_mapped(kToUpper, kToUpperSpecial, c, out);
  }
}

void append_title(char32_t c, std::string& out) {
  if (c < 0x80) {
    append_upper(c, out);
  } else {
    append_mapped(kToTitle, kToTitleSpecial, c, out);
  }
}

void append_lower(std::string_view text, std::size_t pos, std::string& out) {
  const char32_t c = decode_utf8(text, pos).code_point;
  if (c < 0x80) {
    out += static_cast<char>(is_ascii_upper(c) ? c + 32 : c);
  } else if (c == kCapitalSigma && is_final_sigma(text, pos)) {
    append_utf8(out, 0x3C2);
  } else {
    append_mapped(kToLower, kToLowerSpecial, c, out);
  }
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    append_upper(c.code_point, out);
    pos += c.length;
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    append_lower(text, pos, out);
    pos += decode_utf8(text, pos).length;
  }
  return out;
}

}  // namespace nacelle::chat_template
