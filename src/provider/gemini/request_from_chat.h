// request_from_chat.h: an OpenAI chat body as a body of Gemini's generateContent.
//
// Home:    pure functions; any thread.
// Errors:  as translator.h says.
// Source:  gateway.md section 8.4.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::gemini {

[[nodiscard]] Result<json::Json> request_from_chat(const json::Json& chat, std::string_view model);

}  // namespace nacelle::provider::gemini
