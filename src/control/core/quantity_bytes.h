// quantity_bytes.h: "80Gi" as a number.
//
// Home:    pure.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control {

// Nothing when it is no quantity or beyond 2^62. Fractions round up.
[[nodiscard]] inline std::optional<std::int64_t> quantity_bytes(const kube::Json& quantity) {
  if (quantity.is_number_integer()) return quantity.get<std::int64_t>();
  if (!quantity.is_string()) return std::nullopt;
  const std::string_view text = quantity.get_ref<const std::string&>();
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc{} || amount < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "KMGTPE";
  if (unit == "m") {
    amount /= 1000;
  } else if (unit == "k") {
    amount *= 1000;
  } else if (!unit.empty()) {
    const std::size_t power = kUnits.find(unit[0]);
    const bool binary = unit.size() == 2 && unit[1] == 'i';
    if (power == kUnits.npos || (unit.size() > 1 && !binary)) return std::nullopt;
    amount *= std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  if (!(amount < 0x1p62)) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(amount));
}

}  // namespace nacelle::control
