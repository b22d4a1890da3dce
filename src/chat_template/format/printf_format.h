// printf_format.h: Python's `format % values`.
#pragma once

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// `values` is a tuple of arguments, a dict for %(name)s, or the only argument. Markup escapes what
// it takes in. invalid_argument for too few or too many arguments and unsuitable values.
Result<Value> format_printf(Interpreter& interpreter, const Value& format, const Value& values);

}  // namespace nacelle::chat_template
