// request_to_chat.h: a body of Anthropic's messages API as an OpenAI chat body.
//
// Home:    pure functions; any thread.
// Errors:  as translator.h says.
// Source:  gateway.md section 8.6.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::messages {

[[nodiscard]] Result<json::Json> request_to_chat(const json::Json& body, const RequestFacts& facts);

}  // namespace nacelle::provider::messages
