// md5.h: the digest that names of children carry where they would be too long. Not for security.
//
// Home:    pure.
// Source:  RFC 1321.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::control {

// 32 hex digits in lower case.
[[nodiscard]] std::string md5_hex(std::string_view text);

}  // namespace nacelle::control
