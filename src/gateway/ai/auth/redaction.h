// redaction.h: what logs and dumps of headers may show.
//
// Source:  gateway.md section 9 ("Log redaction").
#pragma once

#include <string>
#include <string_view>

namespace nacelle::gateway::ai {

// True for authorization, api-key, x-api-key, cookies, x-aigw-* and AWS credential headers; case
// does not matter.
[[nodiscard]] bool is_secret_header(std::string_view name);

// The value, or [REDACTED].
[[nodiscard]] std::string_view shown_value(std::string_view name, std::string_view value);

// "[REDACTED LENGTH=12 HASH=0a1b2c3d]": a body that can be told from others but not read.
[[nodiscard]] std::string redacted_body(std::string_view body);

}  // namespace nacelle::gateway::ai
