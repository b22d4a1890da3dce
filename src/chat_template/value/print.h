// print.h: values as text, the way Python's str() and repr() write them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// str(value), appended: what `{{ value }}` prints. Undefined prints nothing.
Status append_text(Runtime& runtime, const Value& value, std::string& out);
Result<std::string> to_text(Runtime& runtime, const Value& value);

// repr(value), appended. out_of_range when nested too deeply or larger than memory allows.
Status append_repr(Runtime& runtime, const Value& value, std::string& out, int depth = 0);

// The shortest text that reads back as the same double: 1.0, 1e-05, 1e+16, inf, nan.
[[nodiscard]] std::string float_repr(double value);

// 'text' with Python's choice of quotes and escapes.
void append_string_repr(std::string_view text, std::string& out);

}  // namespace nacelle::chat_template
