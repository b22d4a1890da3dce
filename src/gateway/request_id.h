// request_id.h: an id for a request whose client sent none: 32 hex digits.
#pragma once

#include <string>

namespace nacelle::gateway {

[[nodiscard]] std::string new_request_id();

}  // namespace nacelle::gateway
