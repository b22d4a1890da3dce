// string_literal.h: the escapes of string literals, which are Python's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::chat_template {

// The value of a literal without its quotes. Unknown escapes stay as they are. invalid_argument for
// a truncated escape, a surrogate and \N{name}.
Result<std::string> unescape_string(std::string_view body);

}  // namespace nacelle::chat_template
