// scalar_text.h: the text forms of numbers in configurations.
//
// Home:    pure.
// Errors:  nullopt for anything else, overflow included.
// Source:  Go's time.ParseDuration and Kubernetes' resource quantities.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace nacelle::router {

// "300ms", "1m30s", "-1.5h", "0".
[[nodiscard]] std::optional<Duration> parse_duration_text(std::string_view text);

// "5000", "64Mi", "1.5G", "500m" (thousandths, rounded up): whole, not negative.
[[nodiscard]] std::optional<std::uint64_t> parse_quantity_text(std::string_view text);

// A finite number.
[[nodiscard]] std::optional<double> parse_number_text(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_integer_text(std::string_view text);

}  // namespace nacelle::router
