// timestamp.h: times as Kubernetes writes them, RFC 3339 in UTC.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::kube::schema {

// "2026-11-29T21:00:00Z" of seconds since 1970.
[[nodiscard]] std::string timestamp(std::int64_t seconds);
// Seconds since 1970; any offset, fractions are cut off. nullopt for what is no such time.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace nacelle::kube::schema
