// number_parse.h: Python's int(text, base) and float(text).
#pragma once

#include <optional>
#include <string_view>

#include "chat_template/value/value.h"

namespace nacelle::chat_template {

struct ParsedInt {
  enum class Outcome { kValue, kInvalid, kTooLarge };
  Outcome outcome = Outcome::kInvalid;
  Int value = 0;
};

// White space around, a sign and single underscores are allowed. Base 0 reads the prefix 0x, 0o or
// 0b; bases 2, 8 and 16 allow theirs. Other bases outside 2..36 are invalid.
[[nodiscard]] ParsedInt parse_int(std::string_view text, int base);

// Nothing when the text is no number. inf, infinity and nan are numbers.
[[nodiscard]] std::optional<double> parse_float(std::string_view text);

}  // namespace nacelle::chat_template
