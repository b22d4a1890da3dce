// cost_node.h: the tree of a cost expression, typed, in one vector; children come before parents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/ai/limits/cost_expression.h"

namespace nacelle::gateway::ai::cost {

enum class Type : std::uint8_t { kInt, kUint, kBool, kString };

enum class Op : std::uint8_t {
  kLiteral,
  kVariable,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kNot,
  kAnd,
  kOr,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kConditional,
  kToInt,
  kToUint,
  kMin,
  kMax,
};

enum class Variable : std::uint8_t {
  kModel,
  kBackend,
  kRouteName,
  kInput,
  kCachedInput,
  kCacheCreation,
  kOutput,
  kTotal,
  kReasoning,
};

struct Node {
  Op op = Op::kLiteral;
  Type type = Type::kInt;
  Variable variable = Variable::kModel;
  std::int64_t integer = 0;
  std::uint64_t number = 0;
  bool boolean = false;
  std::string text;
  std::uint32_t a = 0, b = 0, c = 0;  // indices of operands
};

[[nodiscard]] std::string_view to_string(Type type);

// Parses and checks types; the root is the last node.
[[nodiscard]] Result<std::vector<Node>> parse(std::string_view text);

// The root's value; it is an int or a uint.
[[nodiscard]] Result<std::uint64_t> evaluate(const std::vector<Node>& nodes,
                                             const CostInputs& inputs);

}  // namespace nacelle::gateway::ai::cost
