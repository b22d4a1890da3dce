// methods.h: the methods of text, lists, dicts and ranges that do not change them.
#pragma once

#include <string_view>

#include "chat_template/eval/callables.h"

namespace nacelle::chat_template {

// Null when values of this kind have no such method. `static_name` gets the name as lasting text.
[[nodiscard]] MethodFunction find_method(Kind kind, std::string_view name,
                                         std::string_view* static_name = nullptr);

struct MethodEntry {
  std::string_view name;
  MethodFunction method;
};

// The tables behind find_method(), sorted by name.
struct MethodTable {
  const MethodEntry* begin;
  const MethodEntry* end;
};
MethodTable text_methods();
MethodTable text_predicates();  // isdigit() and its like
MethodTable list_methods();
MethodTable dict_methods();
MethodTable range_methods();

}  // namespace nacelle::chat_template
