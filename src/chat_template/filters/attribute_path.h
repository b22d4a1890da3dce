// attribute_path.h: the `attribute` argument of filters: "a", "a.b.0", 3, or several with commas.
#pragma once

#include <vector>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

class AttributePath {
 public:
  // None gives the path that leads to the item itself.
  static Result<AttributePath> parse(Runtime& runtime, const Value& attribute);

  // The value at the end of the path. What is missing becomes `fallback` unless that is none.
  Result<Value> follow(Interpreter& interpreter, const Value& item, const Value& fallback) const;

 private:
  std::vector<Value> parts_;  // keys and indices
};

// A key for sorting and comparing: text in lower case unless `case_sensitive`.
Value comparison_key(Runtime& runtime, const Value& value, bool case_sensitive);

}  // namespace nacelle::chat_template
