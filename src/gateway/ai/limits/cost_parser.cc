#include <array>
#include <charconv>
#include <optional>

#include "gateway/ai/limits/cost_node.h"

namespace nacelle::gateway::ai::cost {

namespace {

struct Operator {
  std::string_view text;
  Op op;
  int precedence;  // higher binds tighter
};
// Longer spellings first: "<=" before "<".
constexpr std::array<Operator, 13> kOperators{{{"||", Op::kOr, 1},
                                               {"&&", Op::kAnd, 2},
                                               {"==", Op::kEqual, 3},
                                               {"!=", Op::kNotEqual, 3},
                                               {"<=", Op::kLessEqual, 3},
                                               {">=", Op::kGreaterEqual, 3},
                                               {"<", Op::kLess, 3},
                                               {">", Op::kGreater, 3},
                                               {"+", Op::kAdd, 4},
                                               {"-", Op::kSubtract, 4},
                                               {"*", Op::kMultiply, 5},
                                               {"/", Op::kDivide, 5},
                                               {"%", Op::kModulo, 5}}};

struct NamedVariable {
  std::string_view name;
  Variable variable;
  Type type;
};
constexpr std::array<NamedVariable, 9> kVariables{{
    {"model", Variable::kModel, Type::kString},
    {"backend", Variable::kBackend, Type::kString},
    {"route_name", Variable::kRouteName, Type::kString},
    {"input_tokens", Variable::kInput, Type::kUint},
    {"cached_input_tokens", Variable::kCachedInput, Type::kUint},
    {"cache_creation_input_tokens", Variable::kCacheCreation, Type::kUint},
    {"output_tokens", Variable::kOutput, Type::kUint},
    {"total_tokens", Variable::kTotal, Type::kUint},
    {"reasoning_tokens", Variable::kReasoning, Type::kUint},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_number(Type type) { return type == Type::kInt || type == Type::kUint; }

// Recursive descent; every function returns the index of the node it made.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Node>> run() {
    ASSIGN_OR_RETURN(const std::uint32_t root, conditional());
    skip_space();
    if (pos_ != text_.size()) return fail("unexpected '{}'", text_.substr(pos_, 8));
    const Type type = nodes_[root].type;
    if (!is_number(type)) return fail("a cost is an int or uint, this is a {}", to_string(type));
    return std::move(nodes_);
  }

 private:
  using Index = Result<std::uint32_t>;

  template <class... Args>
  Status fail(fmt::format_string<Args...> format, Args&&... args) const {
    return invalid_argument("column {}: {}", pos_ + 1,
                            fmt::format(format, std::forward<Args>(args)...));
  }

  void skip_space() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' ||
                                   text_[pos_] == '\n' || text_[pos_] == '\r'))
      ++pos_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(pos_).starts_with(token)) return false;
    pos_ += token.size();
    return true;
  }

  Index add(Node node) {
    if (nodes_.size() >= CostExpression::kMaxNodes) {
      return fail("the expression has more than {} parts", CostExpression::kMaxNodes);
    }
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  Type type_of(std::uint32_t index) const { return nodes_[index].type; }

  // condition ? a : b
  Index conditional() {
    if (++depth_ > CostExpression::kMaxDepth) {
      return fail("nested deeper than {} levels", CostExpression::kMaxDepth);
    }
    ASSIGN_OR_RETURN(std::uint32_t result, binary(1));
    if (take("?")) {
      ASSIGN_OR_RETURN(const std::uint32_t yes, conditional());
      if (!take(":")) return fail("expected ':'");
      ASSIGN_OR_RETURN(const std::uint32_t no, conditional());
      if (type_of(result) != Type::kBool) {
        return fail("the condition of ?: is a {}, not a bool", to_string(type_of(result)));
      }
      if (type_of(yes) != type_of(no)) {
        return fail("?: has a {} and a {}", to_string(type_of(yes)), to_string(type_of(no)));
      }
      ASSIGN_OR_RETURN(
          result,
          add({.op = Op::kConditional, .type = type_of(yes), .a = result, .b = yes, .c = no}));
    }
    --depth_;
    return result;
  }

  std::optional<Operator> next_operator(int lowest) {
    skip_space();
    for (const Operator& candidate : kOperators) {
      if (text_.substr(pos_).starts_with(candidate.text)) {
        if (candidate.precedence < lowest) return std::nullopt;
        pos_ += candidate.text.size();
        return candidate;
      }
    }
    return std::nullopt;
  }

  Index binary(int lowest) {
    ASSIGN_OR_RETURN(std::uint32_t left, unary());
    while (const auto found = next_operator(lowest)) {
      ASSIGN_OR_RETURN(const std::uint32_t right, binary(found->precedence + 1));
      ASSIGN_OR_RETURN(left, combine(*found, left, right));
    }
    return left;
  }

  Index combine(const Operator& found, std::uint32_t left, std::uint32_t right) {
    const Type a = type_of(left);
    const Type b = type_of(right);
    const bool logical = found.op == Op::kAnd || found.op == Op::kOr;
    const bool equality = found.op == Op::kEqual || found.op == Op::kNotEqual;
    const bool compares = found.precedence == 3;
    bool fits = a == b;
    if (logical) fits = fits && a == Type::kBool;
    if (!logical && !equality) fits = fits && is_number(a);
    if (!fits) {
      const bool mixed = is_number(a) && is_number(b);
      return fail("'{}' does not take {} and {}{}", found.text, to_string(a), to_string(b),
                  mixed ? "; write 2u for a uint, or uint(x)" : "");
    }
    return add({.op = found.op, .type = compares ? Type::kBool : a, .a = left, .b = right});
  }

  Index unary() {
    if (++depth_ > CostExpression::kMaxDepth) {
      return fail("nested deeper than {} levels", CostExpression::kMaxDepth);
    }
    Index result = Status(Code::kInternal, "");
    skip_space();
    if (pos_ < text_.size() && text_[pos_] == '!' && !text_.substr(pos_).starts_with("!=")) {
      ++pos_;
      ASSIGN_OR_RETURN(const std::uint32_t operand, unary());
      if (type_of(operand) != Type::kBool) return fail("'!' takes a bool");
      result = add({.op = Op::kNot, .type = Type::kBool, .a = operand});
    } else if (take("-")) {
      ASSIGN_OR_RETURN(const std::uint32_t operand, unary());
      if (type_of(operand) != Type::kInt) return fail("'-' takes an int");
      result = add({.op = Op::kNegate, .type = Type::kInt, .a = operand});
    } else {
      result = primary();
    }
    --depth_;
    return result;
  }

  Index primary() {
    skip_space();
    if (pos_ >= text_.size()) return fail("the expression ends too early");
    const char c = text_[pos_];
    if (take("(")) {
      ASSIGN_OR_RETURN(const std::uint32_t inner, conditional());
      if (!take(")")) return fail("expected ')'");
      return inner;
    }
    if (is_digit(c)) return number();
    if (c == '"' || c == '\'') return string();
    if (is_name(c)) return name();
    return fail("unexpected '{}'", c);
  }

  Index number() {
    std::uint64_t value = 0;
    const char* begin = text_.data() + pos_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) return fail("this number does not fit into 64 bits");
    pos_ += static_cast<std::size_t>(end - begin);
    if (take("u") || take("U")) return add({.type = Type::kUint, .number = value});
    if (pos_ < text_.size() && (text_[pos_] == '.' || text_[pos_] == 'e' || text_[pos_] == 'E')) {
      return fail("doubles are not supported: a cost is a whole number");
    }
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return fail("this number is no int");
    return add({.type = Type::kInt, .integer = static_cast<std::int64_t>(value)});
  }

  Index string() {
    const char quote = text_[pos_];
    const std::size_t end = text_.find(quote, pos_ + 1);
    if (end == std::string_view::npos) return fail("the string has no end");
    std::string value(text_.substr(pos_ + 1, end - pos_ - 1));
    if (value.find('\\') != std::string::npos) return fail("escapes in strings are not supported");
    pos_ = end + 1;
    return add({.type = Type::kString, .text = std::move(value)});
  }

  Index name() {
    const std::size_t begin = pos_;
    while (pos_ < text_.size() && is_name(text_[pos_])) ++pos_;
    const std::string_view word = text_.substr(begin, pos_ - begin);
    if (word == "true" || word == "false") {
      return add({.type = Type::kBool, .boolean = word == "true"});
    }
    for (const NamedVariable& known : kVariables) {
      if (known.name != word) continue;
      return add({.op = Op::kVariable, .type = known.type, .variable = known.variable});
    }
    if (word == "uint" || word == "int") return conversion(word);
    if (word == "min" || word == "max") return extremum(word);
    pos_ = begin;
    return fail("unknown name '{}'", word);
  }

  Index conversion(std::string_view word) {
    if (!take("(")) return fail("expected '(' after {}", word);
    ASSIGN_OR_RETURN(const std::uint32_t operand, conditional());
    if (!take(")")) return fail("expected ')'");
    if (!is_number(type_of(operand))) return fail("{}() takes a number", word);
    const bool to_uint = word == "uint";
    return add({.op = to_uint ? Op::kToUint : Op::kToInt,
                .type = to_uint ? Type::kUint : Type::kInt,
                .a = operand});
  }

  Index extremum(std::string_view word) {
    if (!take("(")) return fail("expected '(' after {}", word);
    ASSIGN_OR_RETURN(const std::uint32_t left, conditional());
    if (!take(",")) return fail("expected ','");
    ASSIGN_OR_RETURN(const std::uint32_t right, conditional());
    if (!take(")")) return fail("expected ')'");
    if (!is_number(type_of(left)) || type_of(left) != type_of(right)) {
      return fail("{}() takes two ints or two uints", word);
    }
    return add(
        {.op = word == "min" ? Op::kMin : Op::kMax, .type = type_of(left), .a = left, .b = right});
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  std::size_t depth_ = 0;
  std::vector<Node> nodes_;
};

}  // namespace

std::string_view to_string(Type type) {
  switch (type) {
    case Type::kInt:
      return "int";
    case Type::kUint:
      return "uint";
    case Type::kBool:
      return "bool";
    case Type::kString:
      return "string";
  }
  return "unknown";
}

Result<std::vector<Node>> parse(std::string_view text) { return Parser(text).run(); }

}  // namespace nacelle::gateway::ai::cost
