// int_or_percent.h: 3 or "25%" of a total.
//
// Home:    pure.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "kube/object.h"

namespace nacelle::control::workload {

enum class Rounding { kUp, kDown };

// Nothing when it is neither a number that is not negative nor a percentage.
[[nodiscard]] inline std::optional<std::int64_t> int_or_percent(const kube::Json* value,
                                                                std::int64_t total,
                                                                Rounding rounding) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) {
    const auto number = value->get<std::int64_t>();
    return number < 0 ? std::nullopt : std::optional(number);
  }
  if (!value->is_string()) return std::nullopt;
  const auto& text = value->get_ref<const std::string&>();
  std::int64_t percent = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, percent);
  constexpr std::int64_t kMost = 1'000'000;
  if (error != std::errc{} || at + 1 != end || *at != '%' || percent < 0 || percent > kMost) {
    return std::nullopt;
  }
  return (percent * total + (rounding == Rounding::kUp ? 99 : 0)) / 100;
}

}  // namespace nacelle::control::workload
