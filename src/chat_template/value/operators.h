// operators.h: Python's arithmetic and membership on values.
//
// Integers leave 128 bits only with an error; undefined operands are an error; repetition checks
// the size of its result before it makes it.
#pragma once

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

enum class Arithmetic { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

// `a op b`. Text % values formats; text and lists can be added and repeated.
Result<Value> apply(Interpreter& interpreter, Arithmetic op, const Value& a, const Value& b);

Result<Value> negate(const Value& value);
Result<Value> plus(const Value& value);

// `item in container`.
Result<bool> contains(Interpreter& interpreter, const Value& container, const Value& item);

// value % divisor == 0 and friends, for tests on numbers.
Result<Value> modulo(const Value& a, const Value& b);

}  // namespace nacelle::chat_template
