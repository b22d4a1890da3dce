// access_line.h: one request as a line of JSON, with the field names that dashboards know.
//
// Home:    pure; any thread.
// Source:  gateway.md section 15. Values of query parameters that name secrets are [REDACTED];
//          no header but those listed is ever written.
#pragma once

#include <string>
#include <string_view>

#include "gateway/observe/exchange_record.h"

namespace nacelle::gateway {

// Ends with a line feed.
[[nodiscard]] std::string access_line(const ExchangeRecord& record);

// Of "?name=value&..." in a target.
[[nodiscard]] std::string redact_target(std::string_view target);

}  // namespace nacelle::gateway
