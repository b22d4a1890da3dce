// time.h: times as objects hold them.
//
// Home:    pure.
// Source:  RFC 3339; kubernetes-api.md section 20 (MicroTime has exactly six decimals).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::kube {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// "2026-11-21T01:21:47Z", with or without a fraction, Z or an offset. nullopt for anything else.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

[[nodiscard]] std::string to_time(WallTime time);        // whole seconds
[[nodiscard]] std::string to_micro_time(WallTime time);  // six decimals

// The same in whole seconds since 1970; a fraction is cut off.
[[nodiscard]] std::string timestamp(std::int64_t seconds);
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

[[nodiscard]] inline WallTime wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace nacelle::kube
