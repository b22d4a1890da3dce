// generation_config.h: the `generationConfig` of Gemini out of an OpenAI chat body.
//
// Home:    pure functions; any thread.
// Errors:  unimplemented when two ways of constraining the output are asked for at once.
// Source:  gateway.md section 8.4.
#pragma once

#include "provider/json/json.h"

namespace nacelle::provider::gemini {

[[nodiscard]] Result<json::Json> generation_config(const json::Json& chat, std::string_view model);

// A JSON schema in the words of `responseSchema`: types in capitals, no $schema and
// additionalProperties, and a type list with null as nullable. For models older than 2.5.
[[nodiscard]] json::Json response_schema(const json::Json& schema);

}  // namespace nacelle::provider::gemini
