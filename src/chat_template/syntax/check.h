// check.h: rules about a whole syntax tree that the parser cannot see on the way.
#pragma once

#include "base/status.h"
#include "chat_template/syntax/ast.h"

namespace nacelle::chat_template {

// invalid_argument with the line for: an unknown filter or test outside `if` (inside, it fails only
// when reached, as in Jinja); break or continue outside a loop; an assignment to `loop` in a loop.
Status check_tree(const Ast& ast);

// Whether `body` reads the name `symbol`.
[[nodiscard]] bool reads_name(const Block& body, SymbolId symbol);

}  // namespace nacelle::chat_template
