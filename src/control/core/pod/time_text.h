// time_text.h: points in time as the API and logs write them, and back.
//
// Home:    pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::control::pod {

using WallTime = std::chrono::system_clock::time_point;

// "2026-11-21T01:21:47Z", the seconds cut off.
[[nodiscard]] std::string to_rfc3339(WallTime time);
// "2026-11-21T01:21:47.083338123Z", always nine digits: such texts sort as their times do.
[[nodiscard]] std::string to_rfc3339_nano(WallTime time);
// With any number of digits behind the seconds, "Z" or "+02:00". Years 1970 to 2200.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace nacelle::control::pod
