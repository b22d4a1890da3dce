#include "router/config/scalar_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace nacelle::router {
namespace {

// Reads digits with an optional fraction from the front of `text`.
std::optional<double> take_decimal(std::string_view& text) {
  std::size_t length = 0;
  bool digit = false, point = false;
  for (; length < text.size(); ++length) {
    const char c = text[length];
    if (c >= '0' && c <= '9') {
      digit = true;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (!digit) return std::nullopt;
  double value = 0;
  const char* begin = text.data();
  const auto [at, error] = std::from_chars(begin, begin + length, value, std::chars_format::fixed);
  if (error != std::errc() || (at != begin + length && *at != '.')) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

constexpr std::array<std::pair<std::string_view, double>, 8> kDurationUnits = {{{"ns", 1},
                                                                                {"us", 1e3},
                                                                                {"\u00b5s", 1e3},
                                                                                {"\u03bcs", 1e3},
                                                                                {"ms", 1e6},
                                                                                {"s", 1e9},
                                                                                {"m", 60e9},
                                                                                {"h", 3600e9}}};

constexpr std::array<std::pair<std::string_view, double>, 14> kQuantityUnits = {{{"", 1},
                                                                                 {"m", 1e-3},
                                                                                 {"k", 1e3},
                                                                                 {"M", 1e6},
                                                                                 {"G", 1e9},
                                                                                 {"T", 1e12},
                                                                                 {"P", 1e15},
                                                                                 {"Ki", 0x1p10},
                                                                                 {"Mi", 0x1p20},
                                                                                 {"Gi", 0x1p30},
                                                                                 {"Ti", 0x1p40},
                                                                                 {"Pi", 0x1p50},
                                                                                 {"K", 1e3},
                                                                                 {"E", 1e18}}};

}  // namespace

std::optional<Duration> parse_duration_text(std::string_view text) {
  constexpr double kLongest = 9e18;  // nanoseconds that an int64 holds
  double sign = 1;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto value = take_decimal(text);
    if (!value) return std::nullopt;
    std::size_t unit_length = 0;
    while (unit_length < text.size() && text[unit_length] != '.' &&
           (text[unit_length] < '0' || text[unit_length] > '9')) {
      ++unit_length;
    }
    const std::string_view unit = text.substr(0, unit_length);
    double scale = 0;
    for (const auto& [name, nanoseconds] : kDurationUnits) {
      if (name == unit) scale = nanoseconds;
    }
    if (scale == 0) return std::nullopt;
    total += *value * scale;
    if (!(total < kLongest)) return std::nullopt;
    text.remove_prefix(unit_length);
  }
  return std::chrono::duration_cast<Duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(std::llround(total * sign))));
}

std::optional<std::uint64_t> parse_quantity_text(std::string_view text) {
  const auto value = take_decimal(text);
  if (!value) return std::nullopt;
  if (text.size() > 1 && (text[0] == 'e' || text[0] == 'E')) {  // 1e3
    int exponent = 0;
    const auto [at, error] = std::from_chars(text.data() + 1, text.data() + text.size(), exponent);
    if (error != std::errc() || at != text.data() + text.size() || exponent < 0 || exponent > 18) {
      return std::nullopt;
    }
    const double whole = std::ceil(*value * std::pow(10.0, exponent));
    if (!(whole < 0x1p63)) return std::nullopt;
    return static_cast<std::uint64_t>(whole);
  }
  for (const auto& [name, scale] : kQuantityUnits) {
    if (name != text) continue;
    const double whole = std::ceil(*value * scale);
    if (!(whole < 0x1p63)) return std::nullopt;
    return static_cast<std::uint64_t>(whole);
  }
  return std::nullopt;
}

std::optional<double> parse_number_text(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> parse_integer_text(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace nacelle::router
