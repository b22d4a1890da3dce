// attributes.h: `value.name` and `value[key]` with the sandbox's rules.
//
// `.` looks for an attribute (a method) first and for a key next; `[]` the other way round. What
// does not exist is undefined. Methods that would change a list or dict are undefined too.
#pragma once

#include <string_view>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

Result<Value> get_attribute(Interpreter& interpreter, const Value& value, std::string_view name);
Result<Value> get_item(Interpreter& interpreter, const Value& value, const Value& key);

// Only the attribute, never a key: what the filter `attr` does.
Result<Value> get_only_attribute(Interpreter& interpreter, const Value& value,
                                 std::string_view name);

}  // namespace nacelle::chat_template
