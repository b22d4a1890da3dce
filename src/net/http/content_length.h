// content_length.h: the one reading of Content-Length, for both versions of HTTP and both sides.
// What one hop takes for a length and the next one does not is how requests are smuggled.
//
// Errors:  anything but 1 to 18 decimal digits is no length: no sign, space or list.
// Source:  RFC 9110 section 8.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/http/headers.h"

namespace nacelle::net::http {

[[nodiscard]] std::optional<std::uint64_t> parse_length(std::string_view text);

// Of the first Content-Length field; nullopt when there is none, or it is no length.
[[nodiscard]] std::optional<std::uint64_t> declared_length(const Headers& headers);

}  // namespace nacelle::net::http
