// number_format.h: numbers as text for `%` formatting and format specifications.
#pragma once

#include <string>

#include "base/result.h"
#include "chat_template/value/value.h"

namespace nacelle::chat_template {

// Longer precisions and widths are refused.
inline constexpr long kMaxPrecision = 4096;

// `value` without its sign in base 2, 8, 10 or 16, lower case.
[[nodiscard]] std::string digits_of(Int value, int base);

// A float without its sign as C's %e, %f or %g write it (type may be upper case); `alternate` keeps
// the decimal point. Python's rounding equals C's.
[[nodiscard]] std::string float_digits(double value, char type, long precision, bool alternate);

// The integer part's digits in groups: "1234567" -> "1,234,567".
[[nodiscard]] std::string group_digits(const std::string& digits, char separator, int group);

}  // namespace nacelle::chat_template
