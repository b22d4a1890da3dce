// parser.h: template source to syntax tree.
//
// Errors: invalid_argument with the line: what Jinja rejects, and inheritance, imports and
// includes, which a single template cannot have. Nesting and size are bounded, so that neither
// parsing nor walking the tree can overflow the stack.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "chat_template/syntax/ast.h"

namespace nacelle::chat_template {

inline constexpr std::size_t kMaxTemplateBytes = std::size_t{1} << 20;
inline constexpr int kMaxExpressionHeight = 250;
inline constexpr int kMaxStatementDepth = 100;

Result<std::unique_ptr<const Ast>> parse_template(std::string_view source);

}  // namespace nacelle::chat_template
