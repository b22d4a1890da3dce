// unicode.h: character classes and case mappings with Python's answers (unicode_tables.inc).
#pragma once

#include <string>
#include <string_view>

namespace nacelle::chat_template {

[[nodiscard]] bool is_alpha(char32_t c);
[[nodiscard]] bool is_decimal(char32_t c);
[[nodiscard]] bool is_digit(char32_t c);
[[nodiscard]] bool is_numeric(char32_t c);
[[nodiscard]] bool is_alnum(char32_t c);
[[nodiscard]] bool is_printable(char32_t c);
[[nodiscard]] bool is_upper(char32_t c);
[[nodiscard]] bool is_lower(char32_t c);
[[nodiscard]] bool is_title(char32_t c);  // title case letters such as U+01C5
[[nodiscard]] bool is_space(char32_t c);

// Whole texts, with the mappings that change the length (U+00DF becomes SS) and the final sigma.
[[nodiscard]] std::string to_upper(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);

// One character of a text in upper, title or lower case, appended.
void append_upper(char32_t c, std::string& out);
void append_title(char32_t c, std::string& out);
void append_lower(std::string_view text, std::size_t pos, std::string& out);

}  // namespace nacelle::chat_template
