// syntax.h: the tree of a template.
//
// Home:    pure.
// Bounds:  kMaxNesting of blocks and parentheses.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::go_template {

inline constexpr int kMaxNesting = 50;

struct Pipeline;

struct Operand {
  enum class Kind { kLiteral, kDot, kVariable, kFunction, kGroup } kind = Kind::kLiteral;
  kube::Json literal;
  std::string name;                 // of a variable or function
  std::vector<std::string> fields;  // .A.B behind it
  std::shared_ptr<Pipeline> group;  // (...)
};

struct Command {
  std::vector<Operand> operands;  // the first is called when it is a function
};

struct Pipeline {
  std::vector<std::string> variables;  // "$x :=" or "$k, $v :=" of range
  bool assigns = false;                // "=" to one that exists
  std::vector<Command> commands;
};

struct Node {
  enum class Kind { kText, kOutput, kIf, kWith, kRange } kind = Kind::kText;
  std::string text;  // of kText; of the others the action, for messages
  Pipeline pipeline;
  std::vector<Node> body;
  std::vector<Node> otherwise;
};

[[nodiscard]] Result<std::vector<Node>> parse_template(std::string_view text);

}  // namespace nacelle::control::go_template
