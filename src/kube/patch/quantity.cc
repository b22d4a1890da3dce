#include "kube/patch/quantity.h"

#include "kube/quantity.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::kube {
namespace {

// digits × 10^ten × 2^two, with the digits' factors of 10 moved into `ten`.
struct Amount {
  bool negative = false;
  std::string digits;  // no leading or trailing zero; "" is zero
  int ten = 0;
  int two = 0;
};

std::optional<Amount> parse(std::string_view text) {
  Amount amount;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    amount.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  bool any = false;
  while (!text.empty() && ((text[0] >= '0' && text[0] <= '9') || (text[0] == '.' && !point))) {
    if (text[0] == '.') {
      point = true;
    } else {
      any = true;
      amount.digits += text[0];
      if (point) --amount.ten;
    }
    text.remove_prefix(1);
  }
  if (!any || amount.digits.size() > 40) return std::nullopt;
  constexpr std::string_view kBinary = "KMGTPE";
  constexpr std::string_view kDecimal = "numkMGTPE";
  constexpr int kPower[] = {-9, -6, -3, 3, 6, 9, 12, 15, 18};
  if (text.size() == 2 && text[1] == 'i' && kBinary.find(text[0]) != kBinary.npos) {
    amount.two = 10 * (static_cast<int>(kBinary.find(text[0])) + 1);
  } else if (text.size() == 1 && kDecimal.find(text[0]) != kDecimal.npos) {
    amount.ten += kPower[kDecimal.find(text[0])];
  } else if (text.size() > 1 && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(text[1] == '+' ? 2 : 1);
    int power = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), power);
    if (error != std::errc{} || end != text.data() + text.size() || power > 100 || power < -100) {
      return std::nullopt;
    }
    amount.ten += power;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return amount;
}

// Doubles a decimal number in text.
void twice(std::string& digits) {
  int carry = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    const int sum = (digits[i] - '0') * 2 + carry;
    digits[i] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  if (carry > 0) digits.insert(digits.begin(), static_cast<char>('0' + carry));
}

// Exact: at most 40 digits and 60 doublings.
Amount normal(Amount amount) {
  for (; amount.two > 0; --amount.two) twice(amount.digits);
  const std::size_t first = amount.digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  amount.digits.erase(0, first);
  while (amount.digits.back() == '0') {
    amount.digits.pop_back();
    ++amount.ten;
  }
  return amount;
}

std::optional<Amount> amount_of(const Json& value) {
  if (value.is_string()) {
    const auto amount = parse(value.get_ref<const std::string&>());
    return amount ? std::optional(normal(*amount)) : std::nullopt;
  }
  if (!value.is_number()) return std::nullopt;
  const auto amount = parse(value.dump());
  return amount ? std::optional(normal(*amount)) : std::nullopt;
}

}  // namespace

bool same_quantity(const Json& a, const Json& b) {
  const auto x = amount_of(a);
  const auto y = amount_of(b);
  return x && y && x->negative == y->negative && x->digits == y->digits && x->ten == y->ten;
}

bool equal_quantities(const Json& a, const Json& b) { return same_quantity(a, b); }

}  // namespace nacelle::kube
