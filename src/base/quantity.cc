#include "base/quantity.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace nacelle {
namespace {

using Wide = Quantity::Wide;
constexpr Wide kMostNano = Wide{INT64_MAX} * 1'000'000'000;

struct Suffix {
  std::string_view text;
  int decimal;  // power of ten
  int binary;   // power of two
};
constexpr Suffix kSuffixes[] = {
    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"", 0, 0},    {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits, at most 19 of them kept: value = mantissa * 10^exponent, plus something smaller if
// `more`.
struct Decimal {
  Wide mantissa = 0;
  int exponent = 0;
  bool more = false;
};

// Rounds up: `more` says that a remainder was dropped before.
Wide divide_up(Wide value, Wide by, bool more) {
  const Wide quotient = value / by;
  return quotient + (value % by != 0 || more ? 1 : 0);
}

Wide to_nano(Decimal amount, int binary) {
  if (amount.mantissa == 0) return amount.more ? 1 : 0;
  int power = amount.exponent + 9;
  Wide value = amount.mantissa;  // < 10^19 < 2^64, so the shift stays within 2^124
  value <<= binary;
  for (; power > 0; --power) {
    if (value > kMostNano / 10) return kMostNano;
    value *= 10;
  }
  bool more = amount.more;
  for (; power < 0; ++power) {
    if (value == 0) return 1;
    more = more || value % 10 != 0;
    value /= 10;
  }
  if (more) ++value;
  return value > kMostNano ? kMostNano : value;
}

std::optional<int> parse_exponent(std::string_view text) {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    if (value < 1000) value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

std::int64_t clamp(Wide value) {
  if (value > INT64_MAX) return INT64_MAX;
  if (value < INT64_MIN) return INT64_MIN;
  return static_cast<std::int64_t>(value);
}

std::int64_t rounded_away(Wide value, Wide by) {
  return value < 0 ? clamp(-divide_up(-value, by, false)) : clamp(divide_up(value, by, false));
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  const Status error = invalid_argument(
      "'{}' is not a quantity: a number with a suffix such as m, k, M, G, Ki, Mi, Gi, or an "
      "exponent",
      text.substr(0, 60));
  std::string_view rest = text;
  bool negative = false;
  if (rest.starts_with('+') || rest.starts_with('-')) {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  Decimal amount;
  std::size_t digits = 0;
  bool point = false;
  for (; !rest.empty() && (is_digit(rest.front()) || rest.front() == '.'); rest.remove_prefix(1)) {
    if (rest.front() == '.') {
      if (point) return error;
      point = true;
      continue;
    }
    ++digits;
    constexpr Wide kRoom = Wide{1'000'000'000'000'000'000};  // 10^18
    if (amount.mantissa < kRoom) {
      amount.mantissa = amount.mantissa * 10 + (rest.front() - '0');
      if (point) --amount.exponent;
    } else {
      amount.more = amount.more || rest.front() != '0';
      if (!point && amount.exponent < 1000) ++amount.exponent;
    }
    if (amount.exponent < -1000) return error;
  }
  if (digits == 0) return error;

  Quantity out;
  int binary = 0;
  bool known = false;
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text != rest) continue;
    known = true;
    amount.exponent += suffix.decimal;
    binary = suffix.binary;
    if (binary != 0) out.family_ = Family::kBinary;
  }
  if (!known) {
    if (rest.front() != 'e' && rest.front() != 'E') return error;
    const std::optional<int> exponent = parse_exponent(rest.substr(1));
    if (!exponent) return error;
    amount.exponent += *exponent;
    out.family_ = Family::kExponent;
  }
  out.nano_ = to_nano(amount, binary);
  if (negative) out.nano_ = -out.nano_;
  return out;
}

std::int64_t Quantity::value() const { return rounded_away(nano_, kNano); }
std::int64_t Quantity::milli() const { return rounded_away(nano_, kNano / 1000); }

std::int64_t Quantity::divided_by(const Quantity& divisor) const {
  if (divisor.nano_ <= 0) return value();
  return rounded_away(nano_, divisor.nano_);
}

std::string Quantity::to_string() const {
  const bool negative = nano_ < 0;
  Wide magnitude = negative ? -nano_ : nano_;
  const char* sign = negative ? "-" : "";
  if (magnitude == 0) return "0";
  if (family_ == Family::kBinary && magnitude % kNano == 0 && magnitude / kNano >= 1024) {
    const auto whole = static_cast<std::uint64_t>(magnitude / kNano);
    int power = 0;
    std::uint64_t shown = whole;
    while (power < 6 && shown % 1024 == 0) {
      shown /= 1024;
      ++power;
    }
    constexpr std::string_view kNames[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    return fmt::format("{}{}{}", sign, shown, kNames[power]);
  }
  int power = -9;
  while (power < 18 && magnitude % 1000 == 0) {
    magnitude /= 1000;
    power += 3;
  }
  const auto shown = static_cast<std::uint64_t>(magnitude);
  if (family_ == Family::kExponent) {
    return power == 0 ? fmt::format("{}{}", sign, shown)
                      : fmt::format("{}{}e{}", sign, shown, power);
  }
  constexpr std::string_view kNames[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  return fmt::format("{}{}{}", sign, shown, kNames[(power + 9) / 3]);
}

}  // namespace nacelle
