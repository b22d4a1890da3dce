// predicates.h: whether a whole text is in upper or lower case.
#pragma once

#include <string_view>

namespace nacelle::chat_template {

// At least one letter with case, and all of those in the case asked for.
[[nodiscard]] bool is_upper_text(std::string_view text);
[[nodiscard]] bool is_lower_text(std::string_view text);

}  // namespace nacelle::chat_template
