// base64.h: RFC 4648, standard alphabet with padding and the URL alphabet without.
//
// Home:    pure functions; any thread.
// Errors:  decode: nullopt for foreign characters and wrong padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::provider {

[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] std::string base64_url(std::string_view bytes);  // no padding
// Standard alphabet; padding may be missing.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace nacelle::provider
