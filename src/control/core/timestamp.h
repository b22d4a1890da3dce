// timestamp.h: the times of the API, "2026-11-29T21:00:00Z", as seconds since 1970 and back.
//
// Home:    pure.
// Errors:  nothing for what is no such time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::control {

// Fractions are cut off; only UTC.
[[nodiscard]] std::optional<std::int64_t> seconds_of(std::string_view timestamp);
[[nodiscard]] std::string timestamp_of(std::int64_t seconds);

}  // namespace nacelle::control
