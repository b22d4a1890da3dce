// value_filters.cc: filters on values of any kind: default, attr, items, tojson.
#include "chat_template/eval/attributes.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/filters/tables.h"
#include "chat_template/format/json_writer.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/lazy_list.h"

namespace nacelle::chat_template {
namespace {

Result<Value> default_value(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("default", args, {"value", "default_value", "boolean"}, 1));
  const bool replaces_false = bound.flag(2, false);
  if (!bound[0].is_undefined() && (!replaces_false || is_true(bound[0]))) return bound[0];
  return bound.get(1, make_string(interpreter.runtime(), ""));
}

Result<Value> attr(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("attr", args, {"obj", "name"}, 2));
  ASSIGN_OR_RETURN(const std::string_view name, to_string_view("the attribute", bound[1]));
  return get_only_attribute(interpreter, bound[0], name);
}

Result<Value> items(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("items", args, {"value"}, 1));
  Runtime& runtime = interpreter.runtime();
  return make_lazy_list(
      runtime, [value = bound[0]](Interpreter& later) -> Result<std::vector<Value>> {
        if (value.is_undefined()) return std::vector<Value>();
        if (!value.is(Kind::kDict)) {
          return invalid_argument("Can only get item pairs from a mapping.");
        }
        const auto view =
            later.runtime().make<DictViewObject>(0, value, DictViewObject::What::kItems);
        return collect(later, Value::of(Kind::kDictView, view.get()));
      });
}

Result<Value> tojson(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(
      const BoundArgs bound,
      bind("tojson", args, {"x", "ensure_ascii", "indent", "separators", "sort_keys"}, 1));
  Runtime& runtime = interpreter.runtime();
  JsonStyle style;
  style.ensure_ascii = bound.flag(1, false);
  style.sort_keys = bound.flag(4, false);
  if (bound.has(2) && bound[2].is_string()) {
    style.indent = bound[2].text();
  } else if (bound.has(2) && !bound[2].is_none()) {
    ASSIGN_OR_RETURN(const long width, to_long("indent", bound[2]));
    const auto spaces = static_cast<std::size_t>(std::max<long>(width, 0));
    RETURN_IF_ERROR(runtime.reserve(spaces));
    style.indent = std::string(spaces, ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (bound.has(3) && !bound[3].is_none()) {
    ASSIGN_OR_RETURN(const std::vector<Value> parts, collect(interpreter, bound[3]));
    if (parts.size() != 2) return invalid_argument("separators must be two texts");
    ASSIGN_OR_RETURN(style.item_separator, to_string_view("a separator", parts[0]));
    ASSIGN_OR_RETURN(style.key_separator, to_string_view("a separator", parts[1]));
  }
  ASSIGN_OR_RETURN(std::string text, to_json(runtime, bound[0], style));
  return make_string(runtime, std::move(text));
}

constexpr FilterEntry kFilters[] = {
    {"attr", &attr},   {"d", &default_value}, {"default", &default_value},
    {"items", &items}, {"tojson", &tojson},
};

}  // namespace

std::span<const FilterEntry> value_filters() { return kFilters; }

}  // namespace nacelle::chat_template
