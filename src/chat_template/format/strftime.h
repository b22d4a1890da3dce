// strftime.h: Python's datetime.strftime in the C locale.
#pragma once

#include <string>
#include <string_view>

#include "chat_template/local_time.h"

namespace nacelle::chat_template {

// %d %B %Y and the other directives of C and Python. Unknown directives stay as they are.
[[nodiscard]] std::string format_time(std::string_view format, LocalTime time);

}  // namespace nacelle::chat_template
