// digest.h: SHA-256 and HMAC of OpenSSL as functions of bytes.
//
// Home:    pure functions; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::gateway::ai {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

[[nodiscard]] std::string_view as_bytes(const Sha256& digest);
[[nodiscard]] std::string hex(const Sha256& digest);  // lower case
// nullopt unless the text is 64 hex digits.
[[nodiscard]] std::optional<Sha256> parse_sha256(std::string_view text);

// ASCII only.
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace nacelle::gateway::ai
