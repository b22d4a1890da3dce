#include "chat_template/eval/attributes.h"

#include <algorithm>

#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

constexpr std::string_view kListChangers[] = {"append", "clear",  "extend",  "insert",
                                              "pop",    "remove", "reverse", "sort"};
constexpr std::string_view kDictChangers[] = {"clear", "pop", "popitem", "setdefault", "update"};

bool is_unsafe(const Value& value, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4) return true;
  if (value.is(Kind::kList)) {
    return std::find(std::begin(kListChangers), std::end(kListChangers), name) !=
           std::end(kListChangers);
  }
  if (value.is(Kind::kDict)) {
    return std::find(std::begin(kDictChangers), std::end(kDictChangers), name) !=
           std::end(kDictChangers);
  }
  return false;
}

std::string_view owner_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "bool object";
    case Kind::kInt:
      return "int object";
    case Kind::kFloat:
      return "float object";
    case Kind::kString:
      return "str object";
    case Kind::kList:
      return "list object";
    case Kind::kTuple:
      return "tuple object";
    case Kind::kDict:
      return "dict object";
    default:
      return kind_name(value);
  }
}

Value missing(Runtime& runtime, const Value& owner, std::string_view name) {
  const auto origin = runtime.make<UndefinedObject>(name.size(), owner_name(owner), name);
  return Value::of(Kind::kUndefined, origin.get());
}

Result<std::optional<Value>> find_attribute(Interpreter& interpreter, const Value& value,
                                            std::string_view name) {
  Runtime& runtime = interpreter.runtime();
  std::optional<Value> result;
  if (is_unsafe(value, name)) {
    result = UndefinedObject::hinted(
        runtime,
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, kind_name(value)));
    return result;
  }
  if (value.is(Kind::kInstance)) return value.instance().attribute(interpreter, name);
  std::string_view static_name;
  if (const MethodFunction method = find_method(value.kind(), name, &static_name)) {
    result = make_method(runtime, value, static_name, method);
    return result;
  }
  if (value.is(Kind::kTuple) && value.list().is_group) {
    if (name == "grouper") result = value.list().items[0];
    if (name == "list") result = value.list().items[1];
  } else if (value.is(Kind::kRange)) {
    if (name == "start") result = Value::integer(value.range().start);
    if (name == "stop") result = Value::integer(value.range().stop);
    if (name == "step") result = Value::integer(value.range().step);
  } else if (value.is_number()) {
    if (name == "real") {
      result = value.is(Kind::kFloat) ? value : Value::integer(value.as_int());
    }
    if (name == "imag") {
      result = value.is(Kind::kFloat) ? Value::number(0) : Value::integer(0);
    }
  }
  return result;
}

// The element of a list, text or range; nothing when there is none.
std::optional<Value> find_element(Runtime& runtime, const Value& value, Int index) {
  const auto length = static_cast<Int>(length_of(value).value_or(0));
  if (index < 0) index += length;
  if (index < 0 || index >= length) return std::nullopt;
  const auto at = static_cast<std::size_t>(index);
  if (value.is_sequence()) return value.list().items[at];
  if (value.is(Kind::kRange)) return Value::integer(value.range().at(index));
  const std::string& text = value.text();
  std::size_t next = 0;
  const std::size_t start = value.string().is_ascii() ? at : byte_offset(text, at);
  return character_at(runtime, text, start, &next);
}

}  // namespace

Result<Value> get_attribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  if (value.is_undefined()) return undefined_error(value);
  ASSIGN_OR_RETURN(const auto found, find_attribute(interpreter, value, name));
  if (found) return *found;
  if (value.is(Kind::kDict)) {
    if (const Value* item = value.dict().find(name); item != nullptr) return *item;
  }
  return missing(interpreter.runtime(), value, name);
}

Result<Value> get_only_attribute(Interpreter& interpreter, const Value& value,
                                 std::string_view name) {
  if (value.is_undefined()) return undefined_error(value);
  ASSIGN_OR_RETURN(const auto found, find_attribute(interpreter, value, name));
  if (found) return *found;
  return missing(interpreter.runtime(), value, name);
}

Result<Value> get_item(Interpreter& interpreter, const Value& value, const Value& key) {
  Runtime& runtime = interpreter.runtime();
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kDict)) {
    const auto found = value.dict().find(key);
    if (found.has_value() && *found != nullptr) return **found;
  } else if (key.is_integral() &&
             (value.is_sequence() || value.is_string() || value.is(Kind::kRange))) {
    if (value.is_string()) RETURN_IF_ERROR(runtime.spend(value.text().size() / 64));
    if (auto element = find_element(runtime, value, key.as_int())) return *element;
  }
  if (key.is_string()) {
    ASSIGN_OR_RETURN(const auto found, find_attribute(interpreter, value, key.text()));
    if (found) return *found;
    return missing(runtime, value, key.text());
  }
  const bool is_short = key.is_number() || key.is_none();
  std::string name = "(key)";
  if (is_short) {
    ASSIGN_OR_RETURN(name, to_text(runtime, key));
  }
  return missing(runtime, value, name);
}

}  // namespace nacelle::chat_template
