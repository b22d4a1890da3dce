#include "chat_template/filters/attribute_path.h"

#include <algorithm>

#include "chat_template/eval/attributes.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/text/python_string.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {

Result<AttributePath> AttributePath::parse(Runtime& runtime, const Value& attribute) {
  AttributePath path;
  if (attribute.is_none()) return path;
  if (!attribute.is_string()) {
    path.parts_.push_back(attribute);
    return path;
  }
  for (const std::string_view part : split(attribute.text(), ".", -1, Side::kLeft)) {
    const bool is_index =
        !part.empty() && part.size() < 18 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    path.parts_.push_back(is_index ? Value::integer(std::stoll(std::string(part)))
                                   : make_string(runtime, part));
  }
  RETURN_IF_ERROR(runtime.spend(path.parts_.size()));
  return path;
}

Result<Value> AttributePath::follow(Interpreter& interpreter, const Value& item,
                                    const Value& fallback) const {
  Value value = item;
  for (const Value& part : parts_) {
    RETURN_IF_ERROR(interpreter.runtime().spend(1));
    ASSIGN_OR_RETURN(value, get_item(interpreter, value, part));
    if (value.is_undefined() && !fallback.is_none()) value = fallback;
  }
  return value;
}

Value comparison_key(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is_string()) return value;
  return make_string(runtime, to_lower(value.text()));
}

}  // namespace nacelle::chat_template
