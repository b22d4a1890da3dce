// quantity.h: an amount of a resource as Kubernetes writes it: "500m", "1.5Gi", "2", "1e3".
//
// Held in billionths, so that every amount the API accepts is exact; finer ones are rounded up, and
// amounts beyond 2^63 - 1 are that.
//
// Home:    pure; a value.
// Errors:  parse() is invalid_argument naming the text.
// Source:  kubernetes-api.md section 19; k8s.io/apimachinery/pkg/api/resource (behaviour).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle {

class Quantity {
 public:
  __extension__ using Wide = __int128;
  enum class Family : std::uint8_t { kDecimal, kBinary, kExponent };

  Quantity() = default;
  explicit Quantity(std::int64_t whole) : nano_(Wide{whole} * kNano) {}

  [[nodiscard]] static Result<Quantity> parse(std::string_view text);
  // A JSON string or number; a template so that base knows no JSON library.
  template <class Json>
  [[nodiscard]] static Result<Quantity> from_json(const Json& value) {
    if (value.is_string()) return parse(value.template get_ref<const std::string&>());
    if (value.is_number()) return parse(value.dump());
    return invalid_argument("a quantity must be a string or a number");
  }
  // Whether two spellings are one amount: "1024Mi" and "1Gi". False when either is none.
  template <class Json>
  [[nodiscard]] static bool same(const Json& a, const Json& b) {
    const auto x = from_json(a);
    const auto y = from_json(b);
    return x.ok() && y.ok() && *x == *y;
  }

  // Rounded up (away from zero) to whole units and to thousandths, and kept within int64.
  [[nodiscard]] std::int64_t value() const;
  [[nodiscard]] std::int64_t milli() const;
  // In units of `divisor`, rounded up; a divisor of zero counts as one.
  [[nodiscard]] std::int64_t divided_by(const Quantity& divisor) const;

  // Canonical: no fraction, the largest suffix of its family that allows that.
  [[nodiscard]] std::string to_string() const;

  Quantity& operator+=(const Quantity& other) {
    nano_ += other.nano_;
    return *this;
  }
  Quantity& operator-=(const Quantity& other) {
    nano_ -= other.nano_;
    return *this;
  }
  // By amount: "1Gi" equals "1024Mi" and "1073741824".
  friend bool operator==(const Quantity& a, const Quantity& b) { return a.nano_ == b.nano_; }
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    return a.nano_ < b.nano_   ? std::strong_ordering::less
           : a.nano_ > b.nano_ ? std::strong_ordering::greater
                               : std::strong_ordering::equal;
  }

 private:
  static constexpr std::int64_t kNano = 1'000'000'000;

  Wide nano_ = 0;
  Family family_ = Family::kDecimal;
};

}  // namespace nacelle
