// tokens.h: the words inside of one {{ action }}.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::go_template {

struct Token {
  // kField is ".Name" directly behind what it belongs to or alone; kDot is "." alone.
  enum class Kind { kWord, kField, kDot, kVariable, kLiteral, kSign } kind = Kind::kWord;
  std::string text;  // of a sign: ( ) | , := =
  kube::Json literal;
  bool attached = false;  // no space before it
};

[[nodiscard]] Result<std::vector<Token>> tokens_of(std::string_view action);

}  // namespace nacelle::control::go_template
