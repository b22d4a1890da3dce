// base64.h: RFC 4648: the standard alphabet with padding, the URL alphabet without.
//
// Home:    pure; any thread.
// Errors:  decoding: nullopt for text that is no base64. White space is skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle {

enum class Base64Padding : std::uint8_t { kRequired, kOptional };

[[nodiscard]] std::string encode_base64(std::string_view bytes);
[[nodiscard]] std::string encode_base64_url(std::string_view bytes);

[[nodiscard]] std::optional<std::string> decode_base64(
    std::string_view text, Base64Padding padding = Base64Padding::kRequired);
[[nodiscard]] std::optional<std::string> decode_base64_url(std::string_view text);

}  // namespace nacelle
