// client_error.h: errors as the client's dialect writes them.
//
// OpenAI:    {"error":{"message","type","param":null,"code"}} for what a limit or key refuses, and
//            the gateway's own {"type":"error","error":{"type","code","message"}} of
//            gateway.md 7.4.
// Anthropic: {"type":"error","error":{"type","message"}}.
//
// Home:    pure functions; any thread.
// Source:  gateway.md sections 7.4, 8.2 and 8.6.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "provider/schema.h"

namespace nacelle::provider {

// 400 invalid_argument, 422 unimplemented, 502 data_loss, and so on.
[[nodiscard]] int http_status(const Status& status);

// An error this gateway made: type BadRequest, UnprocessableEntity, Unauthorized, ... by status.
[[nodiscard]] std::string gateway_error(Dialect dialect, int status, std::string_view message);

// "invalid_request_error" for 400, ...; "api_error" for others.
[[nodiscard]] std::string_view anthropic_error_type(int status);

// {"type":"error","error":{"type":...,"code":"<status>","message":...}}, as wrappers of foreign
// errors have it towards OpenAI clients.
[[nodiscard]] std::string wrapped_error(std::string_view type, int status,
                                        std::string_view message);

// {"type":"error","error":{"type":...,"message":...}}
[[nodiscard]] std::string anthropic_error(std::string_view type, std::string_view message);

// What a backend of `schema` said with a status that is no success, for a client of `dialect`.
// `error_type` is the header x-amzn-errortype of AWS, else "".
[[nodiscard]] std::string translate_error(Dialect dialect, Schema schema, int status,
                                          std::string_view body, std::string_view error_type = {});

// The events that end a stream whose status was already sent: an error event, and [DONE] for
// OpenAI.
[[nodiscard]] std::string stream_error(Dialect dialect, int status, std::string_view message);

}  // namespace nacelle::provider
