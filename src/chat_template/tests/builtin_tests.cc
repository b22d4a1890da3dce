// builtin_tests.cc: what may stand behind `is`, and be named in select() and its like.
#include <map>

#include "chat_template/eval/builtins.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/text/predicates.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/operators.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

// A test without arguments.
template <bool (*holds)(const Value&)>
Result<bool> plain(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("the test", args, {"value"}, 1));
  return holds(bound[0]);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_not_defined(const Value& value) { return value.is_undefined(); }
bool is_null(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is(Kind::kBool); }
bool is_exactly_true(const Value& value) { return value.is(Kind::kBool) && value.as_bool(); }
bool is_exactly_false(const Value& value) { return value.is(Kind::kBool) && !value.as_bool(); }
bool is_integer(const Value& value) { return value.is(Kind::kInt); }
bool is_float(const Value& value) { return value.is(Kind::kFloat); }
bool is_any_number(const Value& value) { return value.is_number(); }
bool is_text(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is(Kind::kDict); }
bool can_iterate(const Value& value) { return is_iterable(value); }
bool is_escaped(const Value& value) { return value.is_string() && value.string().is_markup(); }

// What has a length and elements. Undefined values have both, as far as Python can tell.
bool is_a_sequence(const Value& value) {
  return value.is_string() || value.is_sequence() || value.is(Kind::kDict) ||
         value.is(Kind::kRange) || value.is_undefined();
}

bool is_callable(const Value& value) {
  return value.is_undefined() || (value.is(Kind::kInstance) && value.instance().is_callable());
}

Result<bool> remainder_is(const CallArgs& args, Int wanted) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("the test", args, {"value"}, 1));
  ASSIGN_OR_RETURN(const Value rest, modulo(bound[0], Value::integer(2)));
  return rest.as_double() == static_cast<double>(wanted);
}

Result<bool> odd(Interpreter&, const CallArgs& args) { return remainder_is(args, 1); }
Result<bool> even(Interpreter&, const CallArgs& args) { return remainder_is(args, 0); }

Result<bool> divisibleby(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("divisibleby", args, {"value", "num"}, 2));
  ASSIGN_OR_RETURN(const Value rest, modulo(bound[0], bound[1]));
  return rest.as_double() == 0;
}

template <bool (*holds)(std::string_view)>
Result<bool> on_text(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("the test", args, {"value"}, 1));
  ASSIGN_OR_RETURN(const std::string text, to_text(interpreter.runtime(), bound[0]));
  RETURN_IF_ERROR(interpreter.runtime().spend(text.size() / 16));
  return holds(text);
}

Result<bool> is_filter(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("filter", args, {"value"}, 1));
  return bound[0].is_string() && find_filter(bound[0].text()) != nullptr;
}

Result<bool> is_test(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("test", args, {"value"}, 1));
  return bound[0].is_string() && find_test(bound[0].text()) != nullptr;
}

Result<bool> sameas(Interpreter&, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("sameas", args, {"value", "other"}, 2));
  const Value& a = bound[0];
  const Value& b = bound[1];
  if (a.kind() != b.kind()) return false;
  if (a.is_none()) return true;
  if (a.is_integral()) return a.as_int() == b.as_int();
  if (a.is(Kind::kFloat)) return false;
  return a.object() != nullptr && a.object() == b.object();
}

Result<bool> in(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("in", args, {"value", "seq"}, 2));
  return contains(interpreter, bound[1], bound[0]);
}

template <bool is_equal>
Result<bool> equality(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("the test", args, {"a", "b"}, 2));
  ASSIGN_OR_RETURN(const bool same, values_equal(interpreter.runtime(), bound[0], bound[1]));
  return same == is_equal;
}

// a < b or a <= b, with the sides swapped for > and >=.
template <bool or_equal, bool swapped>
Result<bool> order(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("the test", args, {"a", "b"}, 2));
  const Value& a = bound[swapped ? 1 : 0];
  const Value& b = bound[swapped ? 0 : 1];
  return or_equal ? value_less_equal(interpreter.runtime(), a, b)
                  : value_less(interpreter.runtime(), a, b);
}

const std::map<std::string_view, TestFunction>& all_tests() {
  static const std::map<std::string_view, TestFunction> tests = {
      {"boolean", &plain<&is_boolean>},
      {"callable", &plain<&is_callable>},
      {"defined", &plain<&is_defined>},
      {"divisibleby", &divisibleby},
      {"escaped", &plain<&is_escaped>},
      {"even", &even},
      {"false", &plain<&is_exactly_false>},
      {"filter", &is_filter},
      {"float", &plain<&is_float>},
      {"in", &in},
      {"integer", &plain<&is_integer>},
      {"iterable", &plain<&can_iterate>},
      {"lower", &on_text<&is_lower_text>},
      {"mapping", &plain<&is_mapping>},
      {"none", &plain<&is_null>},
      {"number", &plain<&is_any_number>},
      {"odd", &odd},
      {"sameas", &sameas},
      {"sequence", &plain<&is_a_sequence>},
      {"string", &plain<&is_text>},
      {"test", &is_test},
      {"true", &plain<&is_exactly_true>},
      {"undefined", &plain<&is_not_defined>},
      {"upper", &on_text<&is_upper_text>},
      {"==", &equality<true>},
      {"eq", &equality<true>},
      {"equalto", &equality<true>},
      {"!=", &equality<false>},
      {"ne", &equality<false>},
      {"<", &order<false, false>},
      {"lt", &order<false, false>},
      {"lessthan", &order<false, false>},
      {"<=", &order<true, false>},
      {"le", &order<true, false>},
      {">", &order<false, true>},
      {"gt", &order<false, true>},
      {"greaterthan", &order<false, true>},
      {">=", &order<true, true>},
      {"ge", &order<true, true>},
  };
  return tests;
}

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto it = all_tests().find(name);
  return it == all_tests().end() ? nullptr : it->second;
}

}  // namespace nacelle::chat_template
