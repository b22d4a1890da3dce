// byte_chars.h: GPT-2's byte alphabet: every byte as one printable character.
//
// 33-126, 161-172 and 174-255 stand for themselves, the other bytes for U+0100, U+0101, ... in
// order.
//
// Home:  any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::tokenizer {

[[nodiscard]] char32_t char_of_byte(std::uint8_t byte);

// The byte that `c` stands for; nullopt for characters outside the alphabet.
[[nodiscard]] std::optional<std::uint8_t> byte_of_char(char32_t c);

[[nodiscard]] std::string bytes_to_chars(std::string_view bytes);

// The bytes that a token of the alphabet stands for; nullopt when one character is not in it.
[[nodiscard]] std::optional<std::string> chars_to_bytes(std::string_view token);

}  // namespace nacelle::tokenizer
