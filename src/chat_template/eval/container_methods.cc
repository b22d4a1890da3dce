// container_methods.cc: methods of lists, tuples, dicts and ranges.
#include <iterator>

#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/operators.h"

namespace nacelle::chat_template {
namespace {

Result<Value> list_count(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("count", args, {"value"}, 1));
  Int count = 0;
  for (const Value& item : self.list().items) {
    ASSIGN_OR_RETURN(const bool same, values_equal(interpreter.runtime(), item, bound[0]));
    if (same) ++count;
  }
  return Value::integer(count);
}

Result<Value> list_index(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind_positions("index", args, {"value", "start", "stop"}, 1));
  const auto& items = self.list().items;
  const auto length = static_cast<Int>(items.size());
  ASSIGN_OR_RETURN(Int start, bound.integer(1, 0));
  ASSIGN_OR_RETURN(Int stop, bound.integer(2, length));
  if (start < 0) start = std::max<Int>(start + length, 0);
  if (stop < 0) stop += length;
  for (Int i = start; i < stop && i < length; ++i) {
    ASSIGN_OR_RETURN(const bool same, values_equal(interpreter.runtime(),
                                                   items[static_cast<std::size_t>(i)], bound[0]));
    if (same) return Value::integer(i);
  }
  return invalid_argument("the value is not in the list");
}

Result<Value> list_copy(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  RETURN_IF_ERROR(bind_positions("copy", args, {}, 0).status());
  return make_list(interpreter.runtime(), self.list().items);
}

Result<Value> dict_get(Interpreter&, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("get", args, {"key", "default"}, 1));
  ASSIGN_OR_RETURN(const Value* found, self.dict().find(bound[0]));
  return found != nullptr ? *found : bound.get(1, Value::none());
}

Result<Value> dict_copy(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  RETURN_IF_ERROR(bind_positions("copy", args, {}, 0).status());
  Value copy = make_dict(interpreter.runtime());
  for (const auto& [key, value] : self.dict().entries()) {
    RETURN_IF_ERROR(copy.dict().set(key, value));
  }
  return copy;
}

template <DictViewObject::What what>
Result<Value> dict_view(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  RETURN_IF_ERROR(bind_positions("this method", args, {}, 0).status());
  const auto view = interpreter.runtime().make<DictViewObject>(0, self, what);
  return Value::of(Kind::kDictView, view.get());
}

Result<Value> range_count(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("count", args, {"value"}, 1));
  ASSIGN_OR_RETURN(const bool inside, contains(interpreter, self, bound[0]));
  return Value::integer(inside ? 1 : 0);
}

Result<Value> range_index(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("index", args, {"value"}, 1));
  ASSIGN_OR_RETURN(const bool inside, contains(interpreter, self, bound[0]));
  if (!inside) return invalid_argument("the value is not in the range");
  const RangeObject& range = self.range();
  const Int value =
      bound[0].is_integral() ? bound[0].as_int() : static_cast<Int>(bound[0].as_double());
  return Value::integer((value - range.start) / range.step);
}

using What = DictViewObject::What;
constexpr MethodEntry kListMethods[] = {
    {"copy", &list_copy},
    {"count", &list_count},
    {"index", &list_index},
};
constexpr MethodEntry kDictMethods[] = {
    {"copy", &dict_copy},
    {"get", &dict_get},
    {"items", &dict_view<What::kItems>},
    {"keys", &dict_view<What::kKeys>},
    {"values", &dict_view<What::kValues>},
};
constexpr MethodEntry kRangeMethods[] = {
    {"count", &range_count},
    {"index", &range_index},
};

}  // namespace

MethodTable list_methods() { return {std::begin(kListMethods), std::end(kListMethods)}; }
MethodTable dict_methods() { return {std::begin(kDictMethods), std::end(kDictMethods)}; }
MethodTable range_methods() { return {std::begin(kRangeMethods), std::end(kRangeMethods)}; }

}  // namespace nacelle::chat_template
