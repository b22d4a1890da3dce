// local_reply.h: answers that the gateway makes itself, in the client's dialect: Anthropic's error
// object on its paths, OpenAI's on all others.
//
// Home:    pure; any thread.
// Source:  gateway.md sections 7.4 and 18.
#pragma once

#include <string>
#include <string_view>

#include "gateway/extension.h"
#include "net/http/message.h"

namespace nacelle::gateway {

[[nodiscard]] std::string error_body(std::string_view path, int status, std::string message);
// The events that end a stream whose head was already sent.
[[nodiscard]] std::string error_events(std::string_view path, int status, std::string message);
// Retry-After for statuses that pass, content type, and the reply's own headers.
[[nodiscard]] net::http::ResponseHead reply_head(const LocalReply& reply);

}  // namespace nacelle::gateway
