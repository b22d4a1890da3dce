#include "chat_template/eval/macro.h"

namespace nacelle::chat_template {

Result<std::optional<Value>> MacroObject::attribute(Interpreter& interpreter,
                                                    std::string_view name) {
  Runtime& runtime = interpreter.runtime();
  std::optional<Value> result;
  if (name == "name") {
    result = definition_.name.empty() ? Value::none() : make_string(runtime, definition_.name);
  } else if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& parameter : definition_.parameters) {
      names.push_back(make_string(runtime, parameter.name));
    }
    result = make_tuple(runtime, std::move(names));
  } else if (name == "caller") {
    result = Value::boolean(definition_.uses_caller);
  } else if (name == "catch_kwargs") {
    result = Value::boolean(definition_.uses_kwargs);
  } else if (name == "catch_varargs") {
    result = Value::boolean(definition_.uses_varargs);
  }
  return result;
}

Result<std::string> MacroObject::repr(Runtime&, int) const {
  return definition_.name.empty() ? std::string("<Macro anonymous>")
                                  : fmt::format("<Macro '{}'>", definition_.name);
}

}  // namespace nacelle::chat_template
