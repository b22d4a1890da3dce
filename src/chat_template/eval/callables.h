// callables.h: built-in functions and methods as values.
#pragma once

#include <string_view>

#include "chat_template/eval/call_args.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

using Function = Result<Value> (*)(Interpreter&, const CallArgs&);
using MethodFunction = Result<Value> (*)(Interpreter&, const Value& self, const CallArgs&);

// `name` must be static text.
Value make_function(Runtime& runtime, std::string_view name, Function function);
Value make_method(Runtime& runtime, const Value& self, std::string_view name,
                  MethodFunction method);

}  // namespace nacelle::chat_template
