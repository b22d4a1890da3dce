// request_from_chat.h: an OpenAI chat body as a body of Bedrock's Converse.
//
// Home:    pure functions; any thread.
// Errors:  as translator.h says.
// Source:  gateway.md section 8.3.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::bedrock {

[[nodiscard]] Result<json::Json> request_from_chat(const json::Json& chat);

}  // namespace nacelle::provider::bedrock
