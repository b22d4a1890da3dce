#include "base/human_int.h"

#include <charconv>
#include <cmath>

namespace nacelle {
namespace {

struct Unit {
  double factor = 1;
  bool decimal = false;  // powers of ten: a fraction is allowed
};

bool unit_of(char suffix, Unit& unit) {
  switch (suffix) {
    case 'k':
      unit = {1e3, true};
      return true;
    case 'm':
      unit = {1e6, true};
      return true;
    case 'g':
      unit = {1e9, true};
      return true;
    case 't':
      unit = {1e12, true};
      return true;
    case 'K':
      unit = {1024.0, false};
      return true;
    case 'M':
      unit = {1048576.0, false};
      return true;
    case 'G':
      unit = {1073741824.0, false};
      return true;
    case 'T':
      unit = {1099511627776.0, false};
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::int64_t> parse_human_int(std::string_view text) {
  std::string_view number = text;
  Unit unit;
  if (!number.empty() && unit_of(number.back(), unit)) number.remove_suffix(1);
  std::int64_t whole = 0;
  const char* end = number.data() + number.size();
  if (auto [at, error] = std::from_chars(number.data(), end, whole);
      error == std::errc() && at == end && !number.empty()) {
    const double value = static_cast<double>(whole) * unit.factor;
    if (std::abs(value) < 9.2e18) return whole * static_cast<std::int64_t>(unit.factor);
    return out_of_range("'{}' does not fit in 64 bits", text);
  }
  double fraction = 0;
  if (auto [at, error] = std::from_chars(number.data(), end, fraction);
      error == std::errc() && at == end && !number.empty() && unit.decimal) {
    const double value = fraction * unit.factor;
    if (std::isfinite(value) && std::abs(value) < 9.2e18) return std::llround(value);
  }
  return invalid_argument("'{}' is not a number such as 4096, 32k (32,000), 32K (32,768) or 25.6k",
                          text);
}

}  // namespace nacelle
