#include "tokenizer/unicode/byte_chars.h"

#include <array>

#include "base/utf8.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

struct Alphabet {
  std::array<char32_t, 256> chars{};
  std::array<std::int16_t, 0x180> bytes{};

  constexpr Alphabet() {
    for (auto& byte : bytes) byte = -1;
    char32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      const char32_t c = printable ? static_cast<char32_t>(b) : next++;
      chars[static_cast<std::size_t>(b)] = c;
      bytes[c] = static_cast<std::int16_t>(b);
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

char32_t char_of_byte(std::uint8_t byte) { return kAlphabet.chars[byte]; }

std::optional<std::uint8_t> byte_of_char(char32_t c) {
  if (c >= kAlphabet.bytes.size() || kAlphabet.bytes[c] < 0) return std::nullopt;
  return static_cast<std::uint8_t>(kAlphabet.bytes[c]);
}

std::string bytes_to_chars(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) append_utf8(out, char_of_byte(static_cast<std::uint8_t>(b)));
  return out;
}

std::optional<std::string> chars_to_bytes(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  for (std::size_t pos = 0; pos < token.size();) {
    const DecodedChar d = decode_valid(token.data() + pos);
    const auto byte = byte_of_char(d.code_point);
    if (!byte) return std::nullopt;
    out.push_back(static_cast<char>(*byte));
    pos += d.length;
  }
  return out;
}

}  // namespace nacelle::tokenizer
