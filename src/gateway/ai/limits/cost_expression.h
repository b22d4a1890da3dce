// cost_expression.h: what a request costs, as a formula of its tokens.
//
//   auto cost = CostExpression::compile("input_tokens + output_tokens * 4u");
//   auto value = cost->evaluate({.model = "m", .usage = usage});     // a count, never negative
//
// A subset of CEL with its types: int, uint, bool and string; + - * / % on two ints or two uints,
// comparisons, && || !, ?:, parentheses, uint(x), int(x), min(a, b), max(a, b). Variables: model,
// backend, route_name (string); input_tokens, cached_input_tokens, cache_creation_input_tokens,
// output_tokens, total_tokens, reasoning_tokens (uint). As in CEL, `input_tokens * 2` is a type
// error: the literal of a uint is `2u`.
//
// Home:    immutable after compile(); any thread.
// Errors:  compile: invalid_argument with the column, for syntax, types and a dry run with zeros
//          that fails; evaluate: out_of_range for overflow, division by zero and results below 0.
// Bounds:  4 KiB of text, 64 levels, 512 nodes.
// Source:  gateway.md section 10.1; the CEL language definition.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "provider/usage.h"

namespace nacelle::gateway::ai {

struct CostInputs {
  std::string_view model;
  std::string_view backend;
  std::string_view route_name;
  provider::TokenUsage usage;
};

namespace cost {
struct Node;
}

class CostExpression {
 public:
  static constexpr std::size_t kMaxBytes = 4096;
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxNodes = 512;

  [[nodiscard]] static Result<CostExpression> compile(std::string_view text);

  [[nodiscard]] Result<std::uint64_t> evaluate(const CostInputs& inputs) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  CostExpression() = default;

  std::string text_;
  std::shared_ptr<const std::vector<cost::Node>> nodes_;  // the last one is the root
};

}  // namespace nacelle::gateway::ai
