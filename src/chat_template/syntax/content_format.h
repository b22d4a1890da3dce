// content_format.h: finds out from a template's text how it wants message content.
#pragma once

#include "chat_template/syntax/ast.h"

namespace nacelle::chat_template {

// Whether some loop runs over `message.content` (or `message['content']`), where `message` comes
// from a loop over `messages` or over a variable set from it. Filters, tests and slices on the way
// count. Source: the rule vLLM uses for --chat-template-content-format auto.
[[nodiscard]] bool loops_over_content(const Ast& ast);

}  // namespace nacelle::chat_template
