// number_filters.cc: filters that make or round numbers.
#include <cmath>
#include <cstdlib>

#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/tables.h"
#include "chat_template/format/number_format.h"
#include "chat_template/text/number_parse.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/operators.h"

namespace nacelle::chat_template {
namespace {

Status too_large() { return out_of_range("an integer does not fit in 128 bits"); }

// int(number) of a finite float, towards zero.
Result<Value> truncated(double number) {
  if (std::fabs(number) >= 1.7e38) return too_large();
  return Value::integer(static_cast<Int>(number));
}

Result<Value> to_int(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("int", args, {"value", "default", "base"}, 1));
  const Value& value = bound[0];
  const Value fallback = bound.get(1, Value::integer(0));
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return Value::integer(value.as_int());
  if (value.is(Kind::kFloat)) {
    if (std::isnan(value.as_double())) return fallback;
    if (std::isinf(value.as_double())) {
      return invalid_argument("cannot convert float infinity to integer");
    }
    return truncated(value.as_double());
  }
  if (!value.is_string()) return fallback;
  RETURN_IF_ERROR(interpreter.runtime().spend(value.text().size() / 16));
  ASSIGN_OR_RETURN(const Int base, bound.integer(2, 10));
  const ParsedInt parsed =
      parse_int(value.text(), base >= 0 && base <= 36 ? static_cast<int>(base) : 1);
  if (parsed.outcome == ParsedInt::Outcome::kTooLarge) return too_large();
  if (parsed.outcome == ParsedInt::Outcome::kValue) return Value::integer(parsed.value);
  const auto number = parse_float(value.text());
  if (!number || !std::isfinite(*number)) return fallback;
  return truncated(*number);
}

Result<Value> to_float(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("float", args, {"value", "default"}, 1));
  const Value& value = bound[0];
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_number()) return Value::number(value.as_double());
  if (value.is_string()) {
    RETURN_IF_ERROR(interpreter.runtime().spend(value.text().size() / 16));
    if (const auto number = parse_float(value.text())) return Value::number(*number);
  }
  return bound.get(1, Value::number(0));
}

Result<Value> absolute(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("abs", args, {"x"}, 1));
  const Value& value = bound[0];
  if (value.is(Kind::kFloat)) return Value::number(std::fabs(value.as_double()));
  if (!value.is_integral()) {
    return invalid_argument("bad operand type for abs(): '{}'", kind_name(value));
  }
  return value.as_int() < 0 ? negate(value) : Value::integer(value.as_int());
}

// Python's round(): to the nearest, and to even when two are as near.
double round_float(double number, long digits) {
  if (!std::isfinite(number) || digits > 330) return number;
  if (digits >= 0) {
    const double magnitude = std::strtod(float_digits(number, 'f', digits, false).c_str(), nullptr);
    return std::copysign(magnitude, number);
  }
  if (digits < -310) return std::copysign(0.0, number);
  const double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(number / unit) * unit;
}

Result<Value> round_int(Int number, long digits) {
  if (digits >= 0) return Value::integer(number);
  if (digits < -38) return Value::integer(0);
  Int unit = 1;
  for (long i = digits; i < 0; ++i) unit *= 10;
  Int rest = number % unit;
  if (rest < 0) rest += unit;
  Int result = number - rest;
  const bool is_odd = (result / unit) % 2 != 0;
  const Int gap = unit - rest;
  if (rest > gap || (rest == gap && is_odd)) {
    if (__builtin_add_overflow(result, unit, &result)) return too_large();
  }
  return Value::integer(result);
}

Result<Value> round(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("round", args, {"value", "precision", "method"}, 1));
  std::string_view method = "common";
  if (bound.has(2)) {
    ASSIGN_OR_RETURN(method, to_string_view("the method", bound[2]));
  }
  if (method != "common" && method != "ceil" && method != "floor") {
    return invalid_argument("method must be common, ceil or floor");
  }
  const Value& value = bound[0];
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_number()) return invalid_argument("'{}' cannot be rounded", kind_name(value));
  long digits = 0;
  if (bound.has(1)) {
    ASSIGN_OR_RETURN(digits, to_long("the precision", bound[1]));
  }
  if (method == "common") {
    if (value.is_integral()) return round_int(value.as_int(), digits);
    return Value::number(round_float(value.as_double(), digits));
  }
  const double factor = std::pow(10.0, static_cast<double>(digits));
  const double scaled = value.as_double() * factor;
  if (!std::isfinite(scaled)) return out_of_range("the number is too large to round");
  const double whole = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value::number((whole == 0 ? 0.0 : whole) / factor);
}

Result<Value> filesizeformat(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("filesizeformat", args, {"value", "binary"}, 1));
  ASSIGN_OR_RETURN(const Value number, to_float(interpreter, {{bound[0], Value::none()}, {}}));
  if (number.is_none()) return invalid_argument("'{}' is no file size", kind_name(bound[0]));
  const double bytes = number.as_double();
  const bool is_binary = bound.flag(1, false);
  const double base = is_binary ? 1024 : 1000;
  Runtime& runtime = interpreter.runtime();
  if (bytes == 1) return make_string(runtime, "1 Byte");
  if (bytes < base) {
    return make_string(runtime, fmt::format("{} Bytes", static_cast<Int>(bytes)));
  }
  constexpr std::string_view kUnits = "kMGTPEZY";
  double unit = base;
  std::size_t i = 0;
  while (i + 1 < kUnits.size() && bytes >= unit * base) {
    unit *= base;
    ++i;
  }
  const char letter = is_binary && kUnits[i] == 'k' ? 'K' : kUnits[i];
  return make_string(runtime, fmt::format("{} {}{}", float_digits(bytes / unit, 'f', 1, false),
                                          letter, is_binary ? "iB" : "B"));
}

constexpr FilterEntry kFilters[] = {
    {"abs", &absolute}, {"filesizeformat", &filesizeformat}, {"float", &to_float}, {"int", &to_int},
    {"round", &round},
};

}  // namespace

std::span<const FilterEntry> number_filters() { return kFilters; }

}  // namespace nacelle::chat_template
