#include "chat_template/format/number_format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace nacelle::chat_template {

std::string digits_of(Int value, int base) {
  __extension__ typedef unsigned __int128 Unsigned;
  Unsigned rest =
      value < 0 ? Unsigned{0} - static_cast<Unsigned>(value) : static_cast<Unsigned>(value);
  std::string digits;
  do {
    digits += "0123456789abcdef"[static_cast<int>(rest % static_cast<unsigned>(base))];
    rest /= static_cast<unsigned>(base);
  } while (rest != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string float_digits(double value, char type, long precision, bool alternate) {
  value = std::fabs(value);
  const bool is_upper_case = type == 'E' || type == 'F' || type == 'G';
  if (std::isnan(value)) return is_upper_case ? "NAN" : "nan";
  if (std::isinf(value)) return is_upper_case ? "INF" : "inf";
  const char* pattern = nullptr;
  switch (type) {
    case 'e':
      pattern = alternate ? "%#.*e" : "%.*e";
      break;
    case 'E':
      pattern = alternate ? "%#.*E" : "%.*E";
      break;
    case 'g':
      pattern = alternate ? "%#.*g" : "%.*g";
      break;
    case 'G':
      pattern = alternate ? "%#.*G" : "%.*G";
      break;
    default:
      pattern = alternate ? "%#.*f" : "%.*f";
      break;
  }
  const int digits = static_cast<int>(std::clamp<long>(precision, 0, kMaxPrecision));
  std::string text(static_cast<std::size_t>(digits) + 400, '\0');
  const int length = std::snprintf(text.data(), text.size(), pattern, digits, value);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string group_digits(const std::string& digits, char separator, int group) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % static_cast<std::size_t>(group) == 0) out += separator;
    out += digits[i];
  }
  return out;
}

}  // namespace nacelle::chat_template
