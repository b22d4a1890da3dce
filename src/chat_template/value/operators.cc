#include "chat_template/value/operators.h"

#include <cmath>

#include "chat_template/eval/interpreter.h"
#include "chat_template/format/printf_format.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};

Status unsupported(Arithmetic op, const Value& a, const Value& b) {
  return invalid_argument("unsupported operand types for {}: '{}' and '{}'",
                          kSymbols[static_cast<int>(op)], kind_name(a), kind_name(b));
}

Status overflow() { return out_of_range("an integer does not fit in 128 bits"); }
Status by_zero() { return invalid_argument("division by zero"); }

Result<Value> floor_divide_ints(Int a, Int b) {
  if (b == 0) return by_zero();
  if (b == -1) {
    Int negated = 0;
    if (__builtin_sub_overflow(Int{0}, a, &negated)) return overflow();
    return Value::integer(negated);
  }
  const Int quotient = a / b;
  return Value::integer(quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
}

Result<Value> modulo_ints(Int a, Int b) {
  if (b == 0) return by_zero();
  if (b == -1) return Value::integer(0);
  const Int rest = a % b;
  return Value::integer(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

Result<double> modulo_floats(double a, double b) {
  if (b == 0.0) return by_zero();
  double rest = std::fmod(a, b);
  if (rest != 0.0) {
    if ((b < 0) != (rest < 0)) rest += b;
  } else {
    rest = std::copysign(0.0, b);
  }
  return rest;
}

Result<double> floor_divide_floats(double a, double b) {
  if (b == 0.0) return by_zero();
  const double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0.0 && (b < 0) != (rest < 0)) quotient -= 1.0;
  if (quotient == 0.0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

Result<Value> power_ints(Int base, Int exponent) {
  if (exponent < 0) {
    if (base == 0) return invalid_argument("zero cannot be raised to a negative power");
    return Value::number(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  Int result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflow();
  }
  return Value::integer(result);
}

Result<Value> power_floats(double base, double exponent) {
  if (base == 0.0 && exponent < 0) {
    return invalid_argument("zero cannot be raised to a negative power");
  }
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) &&
      std::floor(exponent) != exponent) {
    return invalid_argument("a negative number cannot be raised to a fraction");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    return out_of_range("the result of ** is too large");
  }
  return Value::number(result);
}

Result<Value> apply_ints(Arithmetic op, Int a, Int b) {
  Int result = 0;
  switch (op) {
    case Arithmetic::kAdd:
      if (__builtin_add_overflow(a, b, &result)) return overflow();
      return Value::integer(result);
    case Arithmetic::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) return overflow();
      return Value::integer(result);
    case Arithmetic::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) return overflow();
      return Value::integer(result);
    case Arithmetic::kDivide:
      if (b == 0) return by_zero();
      return Value::number(static_cast<double>(a) / static_cast<double>(b));
    case Arithmetic::kFloorDivide:
      return floor_divide_ints(a, b);
    case Arithmetic::kModulo:
      return modulo_ints(a, b);
    case Arithmetic::kPower:
      return power_ints(a, b);
  }
  return overflow();
}

Result<Value> apply_floats(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::kAdd:
      return Value::number(a + b);
    case Arithmetic::kSubtract:
      return Value::number(a - b);
    case Arithmetic::kMultiply:
      return Value::number(a * b);
    case Arithmetic::kDivide:
      if (b == 0.0) return by_zero();
      return Value::number(a / b);
    case Arithmetic::kFloorDivide: {
      ASSIGN_OR_RETURN(const double quotient, floor_divide_floats(a, b));
      return Value::number(quotient);
    }
    case Arithmetic::kModulo: {
      ASSIGN_OR_RETURN(const double rest, modulo_floats(a, b));
      return Value::number(rest);
    }
    case Arithmetic::kPower:
      return power_floats(a, b);
  }
  return by_zero();
}

// Text that takes part in an operation with markup is escaped first.
std::string as_markup(const Value& value) {
  return value.string().is_markup() ? value.text() : escape_html(value.text());
}

Value add_texts(Runtime& runtime, const Value& a, const Value& b) {
  if (a.string().is_markup() || b.string().is_markup()) {
    return make_string(runtime, as_markup(a) + as_markup(b), true);
  }
  std::string text;
  text.reserve(a.text().size() + b.text().size());
  text += a.text();
  text += b.text();
  return make_string(runtime, std::move(text));
}

Value add_lists(Runtime& runtime, const Value& a, const Value& b) {
  std::vector<Value> items = a.list().items;
  items.insert(items.end(), b.list().items.begin(), b.list().items.end());
  return a.is(Kind::kList) ? make_list(runtime, std::move(items))
                           : make_tuple(runtime, std::move(items));
}

Result<Value> repeat(Runtime& runtime, const Value& value, Int times) {
  const Int length =
      static_cast<Int>(value.is_string() ? value.text().size() : value.list().items.size());
  if (times < 0 || length == 0) times = 0;
  constexpr Int kMost = Int{1} << 48;  // far beyond what reserve() allows
  const auto count = static_cast<std::size_t>(times < kMost ? times : kMost);
  const std::size_t size = value.is_string() ? 1 : sizeof(Value);
  RETURN_IF_ERROR(runtime.reserve(count, static_cast<std::size_t>(length) * size));
  RETURN_IF_ERROR(runtime.spend(count * static_cast<std::size_t>(length) * size / 64));
  if (value.is_string()) {
    std::string text;
    text.reserve(count * value.text().size());
    for (std::size_t i = 0; i < count; ++i) text += value.text();
    return make_string(runtime, std::move(text), value.string().is_markup());
  }
  std::vector<Value> items;
  items.reserve(count * value.list().items.size());
  for (std::size_t i = 0; i < count; ++i) {
    items.insert(items.end(), value.list().items.begin(), value.list().items.end());
  }
  return value.is(Kind::kList) ? make_list(runtime, std::move(items))
                               : make_tuple(runtime, std::move(items));
}

bool is_repeatable(const Value& value) { return value.is_string() || value.is_sequence(); }

}  // namespace

Result<Value> apply(Interpreter& interpreter, Arithmetic op, const Value& a, const Value& b) {
  Runtime& runtime = interpreter.runtime();
  if (a.is_integral() && b.is_integral()) return apply_ints(op, a.as_int(), b.as_int());
  if (a.is_number() && b.is_number()) return apply_floats(op, a.as_double(), b.as_double());
  if (a.is_undefined()) return undefined_error(a);
  if (op == Arithmetic::kModulo && a.is_string()) return format_printf(interpreter, a, b);
  if (b.is_undefined()) return undefined_error(b);
  if (op == Arithmetic::kAdd) {
    if (a.is_string() && b.is_string()) {
      RETURN_IF_ERROR(runtime.reserve(a.text().size() + b.text().size()));
      return add_texts(runtime, a, b);
    }
    if (a.is_sequence() && a.kind() == b.kind()) {
      RETURN_IF_ERROR(
          runtime.reserve(a.list().items.size() + b.list().items.size(), sizeof(Value)));
      return add_lists(runtime, a, b);
    }
  }
  if (op == Arithmetic::kMultiply) {
    if (is_repeatable(a) && b.is_integral()) return repeat(runtime, a, b.as_int());
    if (a.is_integral() && is_repeatable(b)) return repeat(runtime, b, a.as_int());
  }
  return unsupported(op, a, b);
}

Result<Value> modulo(const Value& a, const Value& b) {
  if (a.is_undefined()) return undefined_error(a);
  if (b.is_undefined()) return undefined_error(b);
  if (a.is_integral() && b.is_integral()) return modulo_ints(a.as_int(), b.as_int());
  if (!a.is_number() || !b.is_number()) return unsupported(Arithmetic::kModulo, a, b);
  ASSIGN_OR_RETURN(const double rest, modulo_floats(a.as_double(), b.as_double()));
  return Value::number(rest);
}

Result<Value> negate(const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return apply_ints(Arithmetic::kSubtract, 0, value.as_int());
  if (value.is(Kind::kFloat)) return Value::number(-value.as_double());
  return invalid_argument("bad operand type for unary -: '{}'", kind_name(value));
}

Result<Value> plus(const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return Value::integer(value.as_int());
  if (value.is(Kind::kFloat)) return value;
  return invalid_argument("bad operand type for unary +: '{}'", kind_name(value));
}

Result<bool> contains(Interpreter& interpreter, const Value& container, const Value& item) {
  Runtime& runtime = interpreter.runtime();
  switch (container.kind()) {
    case Kind::kString:
      if (!item.is_string()) {
        return invalid_argument("'in' on text needs text on its left, not '{}'", kind_name(item));
      }
      RETURN_IF_ERROR(runtime.spend((container.text().size() + item.text().size()) / 64));
      return find_text(container.text(), item.text()) != std::string_view::npos;
    case Kind::kDict: {
      ASSIGN_OR_RETURN(const Value* found, container.dict().find(item));
      return found != nullptr;
    }
    case Kind::kDictView:
      if (container.dict_view().what == DictViewObject::What::kKeys) {
        ASSIGN_OR_RETURN(const Value* found, container.dict_view().dict.dict().find(item));
        return found != nullptr;
      }
      break;
    case Kind::kRange: {
      if (!item.is_number()) return false;
      if (item.is(Kind::kFloat) && std::floor(item.as_double()) != item.as_double()) return false;
      const RangeObject& range = container.range();
      if (item.is(Kind::kFloat) && std::fabs(item.as_double()) > 1e18) return false;
      const Int wanted = item.is(Kind::kFloat) ? static_cast<Int>(item.as_double()) : item.as_int();
      if (wanted > kMaxRangeBound || wanted < -kMaxRangeBound) return false;
      const Int offset = wanted - range.start;
      return range.length > 0 && offset % range.step == 0 && offset / range.step >= 0 &&
             offset / range.step < range.length;
    }
    default:
      break;
  }
  ASSIGN_OR_RETURN(const Ref<IteratorObject> items, iterate(runtime, container));
  while (true) {
    RETURN_IF_ERROR(runtime.spend(1));
    Value candidate;
    ASSIGN_OR_RETURN(const bool more, items->next(interpreter, candidate));
    if (!more) return false;
    ASSIGN_OR_RETURN(const bool same, values_equal(runtime, candidate, item));
    if (same) return true;
  }
}

}  // namespace nacelle::chat_template
