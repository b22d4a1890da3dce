// lexer.h: template source to tokens, with the white space control of trim_blocks and
// lstrip_blocks.
//
// trim_blocks: one newline right after a block or comment tag goes. lstrip_blocks: spaces between
// the start of a line and a block or comment tag go. `-` next to a tag takes all white space on
// that side,
// `+` keeps it. One newline at the end of the source goes.
//
// Errors: invalid_argument with the line ("line 3: ...").
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat_template/syntax/token.h"

namespace nacelle::chat_template {

// All tokens, the last one kEnd. `source` must be valid UTF-8.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace nacelle::chat_template
