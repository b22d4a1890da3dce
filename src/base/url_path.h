// url_path.h: texts as paths of URLs.
//
// A path holds letters, digits, "-._~!$&'()*+,;=:@/" and %XX; everything else becomes %XX of its
// bytes. A slash parts segments and stays one.
//
// Home:    pure; any thread.
// Source:  RFC 3986 section 3.3.
#pragma once

#include <string>
#include <string_view>

namespace nacelle {

// Of a literal text: "50% more" is "50%25%20more".
[[nodiscard]] std::string percent_encode_path(std::string_view text);

// Of a path that may have %XX already, which stay: "/a b/%20" is "/a%20b/%20".
[[nodiscard]] std::string as_url_path(std::string_view path);

}  // namespace nacelle
