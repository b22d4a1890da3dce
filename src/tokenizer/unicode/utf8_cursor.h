// utf8_cursor.h: reading UTF-8 that is known to be valid, without checks, for hot loops.
//
// Text is made valid once, at Tokenizer::encode (base/utf8.h); everything below relies on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nacelle::tokenizer {

struct DecodedChar {
  char32_t code_point;
  std::uint32_t length;  // bytes, 1..4
};

[[nodiscard]] inline std::uint32_t utf8_lead_length(char lead) {
  const auto b = static_cast<std::uint8_t>(lead);
  return b < 0x80 ? 1u : b < 0xE0 ? 2u : b < 0xF0 ? 3u : 4u;
}

// The character that starts at `p`; `p` is on a character border of valid UTF-8.
[[nodiscard]] inline DecodedChar decode_valid(const char* p) {
  const auto byte = [p](int i) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(p[i]));
  };
  const std::uint32_t b = byte(0);
  if (b < 0x80) return {b, 1};
  if (b < 0xE0) return {(b & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (b < 0xF0) return {(b & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(b & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

// Start of the character that ends just before `pos`; `pos` > 0.
[[nodiscard]] inline std::size_t previous_char(std::string_view text, std::size_t pos) {
  do {
    --pos;
  } while (pos > 0 && (static_cast<std::uint8_t>(text[pos]) & 0xC0) == 0x80);
  return pos;
}

}  // namespace nacelle::tokenizer
