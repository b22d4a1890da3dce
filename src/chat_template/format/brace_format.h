// brace_format.h: Python's "{} {name} {0.field[key]!r:>10}".format(...).
#pragma once

#include "base/result.h"
#include "chat_template/eval/call_args.h"

namespace nacelle::chat_template {

// Attributes and items are looked up as the template's own `.` and `[]` do.
Result<Value> format_braces(Interpreter& interpreter, const Value& format, const CallArgs& args);

}  // namespace nacelle::chat_template
