// builtins.h: the filters and tests a template may name.
//
// Each is one function. args.positional[0] is the value in front of `|` or `is`.
#pragma once

#include <string_view>

#include "base/result.h"
#include "chat_template/eval/call_args.h"

namespace nacelle::chat_template {

using FilterFunction = Result<Value> (*)(Interpreter&, const CallArgs&);
using TestFunction = Result<bool> (*)(Interpreter&, const CallArgs&);

// Null when there is none of that name.
[[nodiscard]] FilterFunction find_filter(std::string_view name);
[[nodiscard]] TestFunction find_test(std::string_view name);

}  // namespace nacelle::chat_template
