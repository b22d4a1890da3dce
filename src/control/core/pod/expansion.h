// expansion.h: $(NAME) in commands, arguments and values of environment variables.
//
// $(NAME) becomes the variable's value, $$ becomes $, so that $$(NAME) stays $(NAME); an unknown
// name and an open parenthesis stay as they are. What was put in is not read again.
//
// Home:    pure.
// Bounds:  kMaxExpanded bytes; beyond it the rest of the text stays as it is.
// Source:  kubernetes-api.md section 22.4.
#pragma once

#include <string>
#include <string_view>

#include "control/core/pod/fields.h"

namespace nacelle::control::pod {

inline constexpr std::size_t kMaxExpanded = 1 << 20;

// The text of which expand() makes `literal`, whatever variables there are.
[[nodiscard]] std::string escaped(std::string_view literal);

[[nodiscard]] std::string expand(std::string_view text, const StringMap& variables);

}  // namespace nacelle::control::pod
