// request_from_chat.h: an OpenAI chat body as a body of Anthropic's messages API.
//
// Home:    pure functions; any thread.
// Errors:  as translator.h says.
// Source:  gateway.md section 8.5.
#pragma once

#include "provider/codec.h"

namespace nacelle::provider::anthropic {

// `schema` is kAnthropic, kAwsAnthropic or kGcpAnthropic; they differ in what names the model, the
// version and the stream.
[[nodiscard]] Result<json::Json> request_from_chat(const json::Json& chat,
                                                   const RequestFacts& facts,
                                                   const Backend& backend);

// Sets or removes `model`, `stream` and `anthropic_version` as the backend wants them.
void address_body(json::Json& body, const RequestFacts& facts, const Backend& backend);

// True for Claude models that take output_config.format, and for names that are none of Claude's.
[[nodiscard]] bool supports_json_schema(std::string_view model);

}  // namespace nacelle::provider::anthropic
