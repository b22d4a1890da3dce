// auth.h: API keys.
//
// Home:    pure.
// Source:  engine.md section 4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http/message.h"

namespace nacelle::serve {

// True when no key is configured, the path is open, the method is OPTIONS, or the request carries
// `Authorization: Bearer <one of the keys>`. Comparing takes the same time for every wrong key of a
// length.
[[nodiscard]] bool authorized(const net::http::RequestHead& request,
                              const std::vector<std::string>& keys);

}  // namespace nacelle::serve
