// utf8.h: decoding and encoding of UTF-8 (RFC 3629), strict: no surrogates, no overlong forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nacelle {

inline constexpr char32_t kReplacementChar = 0xFFFD;

struct Utf8Char {
  char32_t code_point = kReplacementChar;
  std::size_t length = 1;  // bytes consumed; 1 for an invalid byte
  bool valid = false;
};

// The character at `text[pos]`; `pos` must be inside the text.
[[nodiscard]] Utf8Char decode_utf8(std::string_view text, std::size_t pos);

void append_utf8(std::string& out, char32_t code_point);

[[nodiscard]] bool is_valid_utf8(std::string_view text);

// Number of characters; each invalid byte counts as one.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// Length of the longest prefix that ends on a character border: what may be sent now, while the
// rest may be the start of a character whose other bytes have not come yet. At most 3 bytes are
// held back.
[[nodiscard]] std::size_t complete_utf8_prefix(std::string_view text);

// A copy with each maximal invalid part replaced by U+FFFD, as Python's errors="replace" does.
[[nodiscard]] std::string sanitize_utf8(std::string_view text);

}  // namespace nacelle
