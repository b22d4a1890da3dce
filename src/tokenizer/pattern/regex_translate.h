// regex_translate.h: from Oniguruma's syntax and Unicode to PCRE2's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::tokenizer {

// \p{General category}, \s, \d, \w and \h become classes that hold the characters the reference
// implementation means; [A&&[B]] becomes a lookahead. unimplemented for other intersections and for
// nested classes, which PCRE2 would read as something else.
[[nodiscard]] Result<std::string> translate_regex(std::string_view pattern);

}  // namespace nacelle::tokenizer
