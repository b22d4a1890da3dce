#include "chat_template/value/from_json.h"

#include "base/utf8.h"

namespace nacelle::chat_template {

Result<Value> from_json(Runtime& runtime, const nlohmann::ordered_json& json, int depth) {
  if (depth > kMaxValueDepth) {
    return out_of_range("the input is nested deeper than {} levels", kMaxValueDepth);
  }
  RETURN_IF_ERROR(runtime.spend(1));
  using Type = nlohmann::ordered_json::value_t;
  switch (json.type()) {
    case Type::boolean:
      return Value::boolean(json.get<bool>());
    case Type::number_integer:
      return Value::integer(json.get<std::int64_t>());
    case Type::number_unsigned:
      return Value::integer(static_cast<Int>(json.get<std::uint64_t>()));
    case Type::number_float:
      return Value::number(json.get<double>());
    case Type::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (!is_valid_utf8(text)) return invalid_argument("the input has text that is not UTF-8");
      return make_string(runtime, text);
    }
    case Type::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& element : json) {
        ASSIGN_OR_RETURN(Value item, from_json(runtime, element, depth + 1));
        items.push_back(std::move(item));
      }
      return make_list(runtime, std::move(items));
    }
    case Type::object: {
      Value dict = make_dict(runtime);
      for (const auto& [key, element] : json.items()) {
        if (!is_valid_utf8(key)) return invalid_argument("the input has a key that is not UTF-8");
        ASSIGN_OR_RETURN(Value value, from_json(runtime, element, depth + 1));
        RETURN_IF_ERROR(dict.dict().set(make_string(runtime, key), std::move(value)));
      }
      return dict;
    }
    case Type::null:
    case Type::binary:
    case Type::discarded:
      break;
  }
  return Value::none();
}

}  // namespace nacelle::chat_template
