#include "gateway/ai/limits/cost_expression.h"

#include <algorithm>

#include "gateway/ai/limits/cost_node.h"

namespace nacelle::gateway::ai {

namespace cost {
namespace {

struct Value {
  std::int64_t integer = 0;
  std::uint64_t number = 0;
  bool boolean = false;
  std::string_view text;
};

Status overflow() { return out_of_range("the cost does not fit into 64 bits"); }
Status division_by_zero() { return out_of_range("the cost divides by zero"); }

template <class T>
Result<T> arithmetic(Op op, T a, T b) {
  T out{};
  switch (op) {
    case Op::kAdd:
      if (__builtin_add_overflow(a, b, &out)) return overflow();
      return out;
    case Op::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) return overflow();
      return out;
    case Op::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) return overflow();
      return out;
    case Op::kMin:
      return std::min(a, b);
    case Op::kMax:
      return std::max(a, b);
    default:
      break;
  }
  if (b == 0) return division_by_zero();
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
    if (op == Op::kModulo) return T{0};
    if (__builtin_sub_overflow(T{0}, a, &out)) return overflow();
    return out;
  }
  return op == Op::kDivide ? a / b : a % b;
}

template <class T>
bool compare(Op op, const T& a, const T& b) {
  switch (op) {
    case Op::kEqual:
      return a == b;
    case Op::kNotEqual:
      return a != b;
    case Op::kLess:
      return a < b;
    case Op::kLessEqual:
      return a <= b;
    case Op::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

class Evaluator {
 public:
  Evaluator(const std::vector<Node>& nodes, const CostInputs& inputs)
      : nodes_(nodes), inputs_(inputs) {}

  // Depth is bounded by the parser.
  Result<Value> run(std::uint32_t index) const {
    const Node& node = nodes_[index];
    switch (node.op) {
      case Op::kLiteral:
        return Value{node.integer, node.number, node.boolean, node.text};
      case Op::kVariable:
        return variable(node.variable);
      case Op::kConditional: {
        ASSIGN_OR_RETURN(const Value condition, run(node.a));
        return run(condition.boolean ? node.b : node.c);
      }
      case Op::kAnd:
      case Op::kOr: {
        ASSIGN_OR_RETURN(const Value left, run(node.a));
        if (left.boolean == (node.op == Op::kOr)) return left;
        return run(node.b);
      }
      case Op::kNot:
      case Op::kNegate:
      case Op::kToInt:
      case Op::kToUint:
        return unary(node);
      default:
        return binary(node);
    }
  }

 private:
  Value variable(Variable variable) const {
    const provider::TokenUsage& usage = inputs_.usage;
    switch (variable) {
      case Variable::kModel:
        return {.text = inputs_.model};
      case Variable::kBackend:
        return {.text = inputs_.backend};
      case Variable::kRouteName:
        return {.text = inputs_.route_name};
      case Variable::kInput:
        return {.number = usage.input};
      case Variable::kCachedInput:
        return {.number = usage.cached_input};
      case Variable::kCacheCreation:
        return {.number = usage.cache_creation};
      case Variable::kOutput:
        return {.number = usage.output};
      case Variable::kTotal:
        return {.number = usage.total()};
      case Variable::kReasoning:
        return {.number = usage.reasoning};
    }
    return {};
  }

  Result<Value> unary(const Node& node) const {
    ASSIGN_OR_RETURN(const Value operand, run(node.a));
    const bool from_uint = nodes_[node.a].type == Type::kUint;
    switch (node.op) {
      case Op::kNot:
        return Value{.boolean = !operand.boolean};
      case Op::kNegate: {
        ASSIGN_OR_RETURN(const std::int64_t negated,
                         arithmetic<std::int64_t>(Op::kSubtract, 0, operand.integer));
        return Value{.integer = negated};
      }
      case Op::kToInt:
        if (!from_uint) return operand;
        if (operand.number > static_cast<std::uint64_t>(INT64_MAX)) return overflow();
        return Value{.integer = static_cast<std::int64_t>(operand.number)};
      default:
        if (from_uint) return operand;
        if (operand.integer < 0) return overflow();
        return Value{.number = static_cast<std::uint64_t>(operand.integer)};
    }
  }

  Result<Value> binary(const Node& node) const {
    ASSIGN_OR_RETURN(const Value a, run(node.a));
    ASSIGN_OR_RETURN(const Value b, run(node.b));
    const Type operands = nodes_[node.a].type;
    if (node.type == Type::kBool) {
      switch (operands) {
        case Type::kInt:
          return Value{.boolean = compare(node.op, a.integer, b.integer)};
        case Type::kUint:
          return Value{.boolean = compare(node.op, a.number, b.number)};
        case Type::kBool:
          return Value{.boolean = compare(node.op, a.boolean, b.boolean)};
        case Type::kString:
          return Value{.boolean = compare(node.op, a.text, b.text)};
      }
    }
    if (operands == Type::kUint) {
      ASSIGN_OR_RETURN(const std::uint64_t out, arithmetic(node.op, a.number, b.number));
      return Value{.number = out};
    }
    ASSIGN_OR_RETURN(const std::int64_t out, arithmetic(node.op, a.integer, b.integer));
    return Value{.integer = out};
  }

  const std::vector<Node>& nodes_;
  const CostInputs& inputs_;
};

}  // namespace

Result<std::uint64_t> evaluate(const std::vector<Node>& nodes, const CostInputs& inputs) {
  const auto root = static_cast<std::uint32_t>(nodes.size() - 1);
  ASSIGN_OR_RETURN(const Value value, Evaluator(nodes, inputs).run(root));
  if (nodes[root].type == Type::kUint) return value.number;
  if (value.integer < 0) return out_of_range("the cost is {}, below 0", value.integer);
  return static_cast<std::uint64_t>(value.integer);
}

}  // namespace cost

Result<CostExpression> CostExpression::compile(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return invalid_argument("the expression has {} bytes, the limit is {}", text.size(), kMaxBytes);
  }
  ASSIGN_OR_RETURN(std::vector<cost::Node> nodes, cost::parse(text));
  CostExpression out;
  out.text_ = std::string(text);
  out.nodes_ = std::make_shared<const std::vector<cost::Node>>(std::move(nodes));
  const auto dry_run = out.evaluate({});
  if (!dry_run) {
    return invalid_argument("with all counts zero: {}", dry_run.error().message());
  }
  return out;
}

Result<std::uint64_t> CostExpression::evaluate(const CostInputs& inputs) const {
  return cost::evaluate(*nodes_, inputs);
}

}  // namespace nacelle::gateway::ai
