// expressions.cc: the expression half of the interpreter.
#include "chat_template/eval/attributes.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/operators.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {

Result<Value> Interpreter::evaluate(const Expr& expr) {
  RETURN_IF_ERROR(runtime_.spend(1));
  RETURN_IF_ERROR(runtime_.check_stack());
  switch (expr.kind) {
    case ExprKind::kConst:
      return evaluate_const(static_cast<const ConstExpr&>(expr));
    case ExprKind::kName:
      return evaluate_name(static_cast<const NameExpr&>(expr));
    case ExprKind::kTuple:
    case ExprKind::kList:
      return evaluate_items(static_cast<const ItemsExpr&>(expr));
    case ExprKind::kDict:
      return evaluate_dict(static_cast<const DictExpr&>(expr));
    case ExprKind::kCondition:
      return evaluate_condition(static_cast<const ConditionExpr&>(expr));
    case ExprKind::kLogic:
      return evaluate_logic(static_cast<const LogicExpr&>(expr));
    case ExprKind::kNot:
      return evaluate_not(static_cast<const UnaryExpr&>(expr));
    case ExprKind::kSign:
      return evaluate_sign(static_cast<const UnaryExpr&>(expr));
    case ExprKind::kArithmetic:
      return evaluate_arithmetic(static_cast<const ArithmeticExpr&>(expr));
    case ExprKind::kConcat:
      return evaluate_concat(static_cast<const ConcatExpr&>(expr));
    case ExprKind::kCompare:
      return evaluate_compare(static_cast<const CompareExpr&>(expr));
    case ExprKind::kFilter:
      return evaluate_filter(static_cast<const FilterExpr&>(expr));
    case ExprKind::kTest:
      return evaluate_test(static_cast<const TestExpr&>(expr));
    case ExprKind::kCall:
      return evaluate_call(static_cast<const CallExpr&>(expr), nullptr);
    case ExprKind::kAttribute:
      return evaluate_attribute(static_cast<const AttributeExpr&>(expr));
    case ExprKind::kItem:
      return evaluate_item(static_cast<const ItemExpr&>(expr));
    case ExprKind::kSlice:
      break;
  }
  return invalid_argument("a slice must stand alone inside brackets");
}

Result<Value> Interpreter::evaluate_const(const ConstExpr& expr) {
  if (const auto* text = std::get_if<std::string>(&expr.literal)) {
    auto& held = constants_[expr.slot];
    if (!held) held = make_string(runtime_, *text);
    return *held;
  }
  if (const auto* number = std::get_if<Int>(&expr.literal)) return Value::integer(*number);
  if (const auto* number = std::get_if<double>(&expr.literal)) return Value::number(*number);
  if (const auto* flag = std::get_if<bool>(&expr.literal)) return Value::boolean(*flag);
  return Value::none();
}

Result<Value> Interpreter::evaluate_name(const NameExpr& expr) {
  if (const Value* found = lookup(expr.symbol); found != nullptr) return *found;
  const std::string& name = ast_.symbols[expr.symbol];
  const auto origin = runtime_.make<UndefinedObject>(name.size(), std::string_view(name));
  return Value::of(Kind::kUndefined, origin.get());
}

Result<Value> Interpreter::evaluate_items(const ItemsExpr& expr) {
  std::vector<Value> items;
  items.reserve(expr.items.size());
  for (const auto& item : expr.items) {
    ASSIGN_OR_RETURN(Value value, evaluate(*item));
    items.push_back(std::move(value));
  }
  return expr.kind == ExprKind::kList ? make_list(runtime_, std::move(items))
                                      : make_tuple(runtime_, std::move(items));
}

Result<Value> Interpreter::evaluate_dict(const DictExpr& expr) {
  Value dict = make_dict(runtime_);
  for (const auto& [key_expr, value_expr] : expr.entries) {
    ASSIGN_OR_RETURN(const Value key, evaluate(*key_expr));
    ASSIGN_OR_RETURN(Value value, evaluate(*value_expr));
    RETURN_IF_ERROR(dict.dict().set(key, std::move(value)));
  }
  return dict;
}

Result<Value> Interpreter::evaluate_condition(const ConditionExpr& expr) {
  ASSIGN_OR_RETURN(const Value test, evaluate(*expr.test));
  if (is_true(test)) return evaluate(*expr.value);
  if (expr.otherwise) return evaluate(*expr.otherwise);
  return UndefinedObject::hinted(
      runtime_, fmt::format("the inline if-expression on line {} evaluated to false and no else "
                            "section was defined.",
                            expr.line));
}

Result<Value> Interpreter::evaluate_logic(const LogicExpr& expr) {
  ASSIGN_OR_RETURN(Value left, evaluate(*expr.left));
  if (is_true(left) != expr.is_and) return left;
  return evaluate(*expr.right);
}

Result<Value> Interpreter::evaluate_not(const UnaryExpr& expr) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*expr.operand));
  return Value::boolean(!is_true(value));
}

Result<Value> Interpreter::evaluate_sign(const UnaryExpr& expr) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*expr.operand));
  return expr.is_negative ? negate(value) : plus(value);
}

Result<Value> Interpreter::evaluate_arithmetic(const ArithmeticExpr& expr) {
  ASSIGN_OR_RETURN(const Value left, evaluate(*expr.left));
  ASSIGN_OR_RETURN(const Value right, evaluate(*expr.right));
  return apply(*this, expr.op, left, right);
}

Result<Value> Interpreter::evaluate_concat(const ConcatExpr& expr) {
  std::string text;
  for (const auto& part : expr.parts) {
    ASSIGN_OR_RETURN(const Value value, evaluate(*part));
    RETURN_IF_ERROR(append_text(runtime_, value, text));
    RETURN_IF_ERROR(runtime_.reserve(text.size()));
  }
  return make_string(runtime_, std::move(text));
}

Result<bool> Interpreter::compare(Comparison op, const Value& a, const Value& b) {
  switch (op) {
    case Comparison::kEqual:
      return values_equal(runtime_, a, b);
    case Comparison::kNotEqual: {
      ASSIGN_OR_RETURN(const bool same, values_equal(runtime_, a, b));
      return !same;
    }
    case Comparison::kLess:
      return value_less(runtime_, a, b);
    case Comparison::kGreater:
      return value_less(runtime_, b, a);
    case Comparison::kLessEqual:
      return value_less_equal(runtime_, a, b);
    case Comparison::kGreaterEqual:
      return value_less_equal(runtime_, b, a);
    case Comparison::kIn:
      return contains(*this, b, a);
    case Comparison::kNotIn: {
      ASSIGN_OR_RETURN(const bool inside, contains(*this, b, a));
      return !inside;
    }
  }
  return false;
}

Result<Value> Interpreter::evaluate_compare(const CompareExpr& expr) {
  ASSIGN_OR_RETURN(Value left, evaluate(*expr.first));
  for (const auto& [op, operand] : expr.rest) {
    ASSIGN_OR_RETURN(Value right, evaluate(*operand));
    ASSIGN_OR_RETURN(const bool holds, compare(op, left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Interpreter::evaluate_attribute(const AttributeExpr& expr) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*expr.value));
  return get_attribute(*this, value, expr.name);
}

Result<Value> Interpreter::evaluate_item(const ItemExpr& expr) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*expr.value));
  if (expr.index->kind != ExprKind::kSlice) {
    ASSIGN_OR_RETURN(const Value index, evaluate(*expr.index));
    return get_item(*this, value, index);
  }
  const auto& range = static_cast<const SliceExpr&>(*expr.index);
  Value bounds[3] = {Value::none(), Value::none(), Value::none()};
  const Expr* const parts[3] = {range.start.get(), range.stop.get(), range.step.get()};
  for (int i = 0; i < 3; ++i) {
    if (parts[i] != nullptr) {
      ASSIGN_OR_RETURN(bounds[i], evaluate(*parts[i]));
    }
  }
  return slice(runtime_, value, bounds[0], bounds[1], bounds[2]);
}

}  // namespace nacelle::chat_template
