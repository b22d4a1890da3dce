// globals.h: the functions every template can use: range, dict, namespace, cycler, joiner,
// raise_exception and strftime_now.
#pragma once

#include <optional>
#include <string_view>

#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// Nothing when there is no function of that name.
std::optional<Value> make_global(Runtime& runtime, std::string_view name);

}  // namespace nacelle::chat_template
