// format_spec.h: Python's format(value, spec): "{:>10}", "{:,.2f}", "{:#x}", ...
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// invalid_argument for a specification that does not suit the value.
Result<std::string> format_value(Runtime& runtime, const Value& value, std::string_view spec);

}  // namespace nacelle::chat_template
