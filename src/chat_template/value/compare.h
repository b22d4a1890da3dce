// compare.h: Python's equality, order, hash and truth of values.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

[[nodiscard]] bool is_true(const Value& value);

// 1 == 1.0 == true; a list never equals a tuple; values of unlike kinds differ.
Result<bool> values_equal(Runtime& runtime, const Value& a, const Value& b, int depth = 0);

// a < b. invalid_argument for kinds Python does not order, such as 1 < 'a'.
Result<bool> value_less(Runtime& runtime, const Value& a, const Value& b, int depth = 0);

// a <= b, with the same errors. Not the same as "not b < a": NaN is neither.
Result<bool> value_less_equal(Runtime& runtime, const Value& a, const Value& b);

// invalid_argument for lists, dicts and what is nested too deeply.
Result<std::size_t> hash_value(Runtime& runtime, const Value& value, int depth = 0);

// Equality of two values that hash_value() accepts.
[[nodiscard]] bool hashable_equal(const Value& a, const Value& b);

// Python's name of the kind: "str", "list", "NoneType", ...
[[nodiscard]] std::string_view kind_name(const Value& value);

// The error for using an undefined value.
Status undefined_error(const Value& value);

}  // namespace nacelle::chat_template
