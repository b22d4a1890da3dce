#include "kube/schema/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace nacelle::kube::schema {
namespace {

using Wide = __int128;

// value = mantissa * 10^exponent * 2^(10 * binary)
struct Parsed {
  Wide mantissa = 0;
  int exponent = 0;
  int binary = 0;
  bool negative = false;
  enum { kDecimal, kBinary, kExponent } family = kDecimal;
};

constexpr std::string_view kDecimalSuffixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
constexpr std::string_view kBinarySuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

bool parse_suffix(std::string_view suffix, Parsed& out) {
  for (std::size_t i = 0; i < std::size(kDecimalSuffixes); ++i) {
    if (suffix != kDecimalSuffixes[i]) continue;
    out.exponent += 3 * (static_cast<int>(i) - 3);
    return true;
  }
  for (std::size_t i = 1; i < std::size(kBinarySuffixes); ++i) {
    if (suffix != kBinarySuffixes[i]) continue;
    out.binary = static_cast<int>(i);
    out.family = Parsed::kBinary;
    return true;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  suffix.remove_prefix(1);
  if (suffix[0] == '+') suffix.remove_prefix(1);
  int power = 0;
  const auto end = suffix.data() + suffix.size();
  const auto [at, error] = std::from_chars(suffix.data(), end, power);
  if (error != std::errc() || at != end || power < -60 || power > 60) return false;
  out.exponent += power;
  out.family = Parsed::kExponent;
  return true;
}

std::optional<Parsed> parse(std::string_view text) {
  Parsed out;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::size_t digits = 0;
  bool point = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !point) {
      point = true;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    // Beyond 28 digits nothing that we can say is left.
    if (++digits > 28) return std::nullopt;
    out.mantissa = out.mantissa * 10 + (text[at] - '0');
    if (point) --out.exponent;
  }
  if (digits == 0 || !parse_suffix(text.substr(at), out)) return std::nullopt;
  return out;
}

std::string digits_of(Wide value) {
  if (value == 0) return "0";
  std::string out;
  for (; value > 0; value /= 10) out.insert(out.begin(), static_cast<char>('0' + value % 10));
  return out;
}

// In nanos, rounded up; nullopt beyond 128 bits.
std::optional<Wide> nanos(const Parsed& parsed) {
  Wide value = parsed.mantissa;
  constexpr Wide kMost = static_cast<Wide>(1) << 120;
  for (int i = 0; i < parsed.binary; ++i) {
    if (value > kMost / 1024) return std::nullopt;
    value *= 1024;
  }
  bool rest = false;
  int exponent = parsed.exponent + 9;
  for (; exponent > 0; --exponent) {
    if (value > kMost / 10) return std::nullopt;
    value *= 10;
  }
  for (; exponent < 0; ++exponent) {
    rest = rest || value % 10 != 0;
    value /= 10;
  }
  return rest ? value + 1 : value;
}

}  // namespace

std::optional<std::string> canonical_quantity(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed.has_value()) return std::nullopt;
  const auto amount = nanos(*parsed);
  if (!amount.has_value()) return std::string(text);  // larger than we can restate: as it came
  const std::string sign = parsed->negative && *amount != 0 ? "-" : "";
  constexpr Wide kOne = 1'000'000'000;
  // A binary amount with a fraction of one becomes decimal, as it has no other spelling.
  if (parsed->family == Parsed::kBinary && *amount % kOne == 0) {
    Wide value = *amount / kOne;
    std::size_t suffix = 0;
    while (value != 0 && value % 1024 == 0 && suffix + 1 < std::size(kBinarySuffixes)) {
      value /= 1024;
      ++suffix;
    }
    return sign + digits_of(value) + std::string(kBinarySuffixes[suffix]);
  }
  Wide value = *amount;
  std::size_t step = 0;
  while (value != 0 && value % 1000 == 0 && step + 1 < std::size(kDecimalSuffixes)) {
    value /= 1000;
    ++step;
  }
  if (value == 0) return "0";
  if (parsed->family != Parsed::kExponent)
    return sign + digits_of(value) + std::string(kDecimalSuffixes[step]);
  const int power = 3 * (static_cast<int>(step) - 3);
  return sign + digits_of(value) + (power == 0 ? "" : "e" + std::to_string(power));
}

std::optional<double> quantity_value(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed.has_value()) return std::nullopt;
  const double value = static_cast<double>(parsed->mantissa) * std::pow(10.0, parsed->exponent) *
                       std::pow(1024.0, parsed->binary);
  return parsed->negative ? -value : value;
}

}  // namespace nacelle::kube::schema
