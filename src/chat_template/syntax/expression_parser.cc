#include "chat_template/syntax/expression_parser.h"

#include <algorithm>

#include "chat_template/syntax/parser.h"

namespace nacelle::chat_template {
namespace {

// Brackets, `not`s and signs inside each other while parsing.
constexpr int kMaxNesting = 200;

class NestingGuard {
 public:
  explicit NestingGuard(int& depth) : depth_(depth) { ++depth_; }
  ~NestingGuard() { --depth_; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;

 private:
  int& depth_;
};

int height_of(const Expr* expr) { return expr == nullptr ? 0 : expr->height; }

}  // namespace

bool ExpressionParser::skip_if(TokenKind kind) {
  if (!current().is(kind)) return false;
  advance();
  return true;
}

bool ExpressionParser::skip_if_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  advance();
  return true;
}

Status ExpressionParser::fail(int line, std::string_view message) const {
  return invalid_argument("line {}: {}", line, message);
}

Status ExpressionParser::fail_unexpected() const {
  return fail(current().line, fmt::format("unexpected {}", describe(current())));
}

Status ExpressionParser::expect(TokenKind kind) {
  if (skip_if(kind)) return {};
  Token wanted;
  wanted.kind = kind;
  return fail(current().line,
              fmt::format("expected {}, got {}", describe(wanted), describe(current())));
}

Status ExpressionParser::expect_name(std::string_view name) {
  if (skip_if_name(name)) return {};
  return fail(current().line, fmt::format("expected '{}', got {}", name, describe(current())));
}

Result<std::string> ExpressionParser::expect_identifier() {
  if (!current().is(TokenKind::kName)) {
    return fail(current().line, fmt::format("expected a name, got {}", describe(current())));
  }
  std::string name = current().text;
  advance();
  return name;
}

SymbolId ExpressionParser::symbol(const std::string& name) {
  const auto [it, is_new] =
      symbol_ids_.try_emplace(name, static_cast<SymbolId>(ast_.symbols.size()));
  if (is_new) ast_.symbols.push_back(name);
  return it->second;
}

Result<ExprPtr> ExpressionParser::finish(ExprPtr node,
                                         std::initializer_list<const Expr*> children) {
  for (const Expr* child : children) node->height = std::max(node->height, height_of(child) + 1);
  if (node->height > kMaxExpressionHeight) {
    return fail(node->line, fmt::format("the expression is nested deeper than {} levels",
                                        kMaxExpressionHeight));
  }
  return node;
}

Result<ExprPtr> ExpressionParser::finish(ExprPtr node, const Arguments& arguments,
                                         const Expr* value) {
  int height =
      std::max(height_of(arguments.more_positional.get()), height_of(arguments.more_named.get()));
  for (const auto& argument : arguments.positional) height = std::max(height, argument->height);
  for (const auto& [name, argument] : arguments.named) height = std::max(height, argument->height);
  node->height = height + 1;
  return finish(std::move(node), {value});
}

bool ExpressionParser::at_tuple_end(std::string_view stop_name) const {
  switch (current().kind) {
    case TokenKind::kVariableEnd:
    case TokenKind::kBlockEnd:
    case TokenKind::kRightParen:
      return true;
    default:
      return !stop_name.empty() && current().is_name(stop_name);
  }
}

Result<ExprPtr> ExpressionParser::parse_tuple(bool with_condition, bool in_parentheses,
                                              std::string_view stop_name) {
  auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, current().line);
  bool is_tuple = false;
  while (true) {
    if (!tuple->items.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
    if (at_tuple_end(stop_name)) break;
    ASSIGN_OR_RETURN(ExprPtr item, parse_expression(with_condition));
    tuple->height = std::max(tuple->height, item->height + 1);
    tuple->items.push_back(std::move(item));
    if (!current().is(TokenKind::kComma)) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!tuple->items.empty()) return std::move(tuple->items.front());
    if (!in_parentheses) {
      return fail(current().line,
                  fmt::format("expected an expression, got {}", describe(current())));
    }
  }
  return finish(std::move(tuple), {});
}

Result<ExprPtr> ExpressionParser::parse_expression(bool with_condition) {
  const NestingGuard guard(nesting_);
  if (nesting_ > kMaxNesting) {
    return fail(current().line,
                fmt::format("the expression is nested deeper than {} levels", kMaxNesting));
  }
  return with_condition ? parse_condition() : parse_or();
}

Result<ExprPtr> ExpressionParser::parse_condition() {
  ASSIGN_OR_RETURN(ExprPtr value, parse_or());
  while (current().is_name("if")) {
    auto node = std::make_unique<ConditionExpr>(current().line);
    advance();
    ASSIGN_OR_RETURN(node->test, parse_or());
    if (skip_if_name("else")) {
      ASSIGN_OR_RETURN(node->otherwise, parse_expression());
    }
    node->value = std::move(value);
    auto& made = *node;
    ASSIGN_OR_RETURN(
        value, finish(std::move(node), {made.test.get(), made.value.get(), made.otherwise.get()}));
  }
  return value;
}

Result<ExprPtr> ExpressionParser::parse_or() {
  ASSIGN_OR_RETURN(ExprPtr left, parse_and());
  while (current().is_name("or")) {
    auto node = std::make_unique<LogicExpr>(current().line, false);
    advance();
    ASSIGN_OR_RETURN(node->right, parse_and());
    node->left = std::move(left);
    auto& made = *node;
    ASSIGN_OR_RETURN(left, finish(std::move(node), {made.left.get(), made.right.get()}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::parse_and() {
  ASSIGN_OR_RETURN(ExprPtr left, parse_not());
  while (current().is_name("and")) {
    auto node = std::make_unique<LogicExpr>(current().line, true);
    advance();
    ASSIGN_OR_RETURN(node->right, parse_not());
    node->left = std::move(left);
    auto& made = *node;
    ASSIGN_OR_RETURN(left, finish(std::move(node), {made.left.get(), made.right.get()}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  const NestingGuard guard(nesting_);
  if (nesting_ > kMaxNesting) return fail(current().line, "too many 'not'");
  const int line = current().line;
  advance();
  ASSIGN_OR_RETURN(ExprPtr operand, parse_not());
  const Expr* child = operand.get();
  return finish(std::make_unique<UnaryExpr>(ExprKind::kNot, line, std::move(operand)), {child});
}

Result<ExprPtr> ExpressionParser::parse_compare() {
  ASSIGN_OR_RETURN(ExprPtr first, parse_sum());
  auto node = std::make_unique<CompareExpr>(current().line);
  node->height = first->height + 1;
  while (true) {
    Comparison op{};
    std::size_t tokens = 1;
    switch (current().kind) {
      case TokenKind::kEqual:
        op = Comparison::kEqual;
        break;
      case TokenKind::kNotEqual:
        op = Comparison::kNotEqual;
        break;
      case TokenKind::kLess:
        op = Comparison::kLess;
        break;
      case TokenKind::kLessEqual:
        op = Comparison::kLessEqual;
        break;
      case TokenKind::kGreater:
        op = Comparison::kGreater;
        break;
      case TokenKind::kGreaterEqual:
        op = Comparison::kGreaterEqual;
        break;
      default:
        if (current().is_name("in")) {
          op = Comparison::kIn;
        } else if (current().is_name("not") && look_ahead().is_name("in")) {
          op = Comparison::kNotIn;
          tokens = 2;
        } else {
          tokens = 0;
        }
    }
    if (tokens == 0) break;
    for (std::size_t i = 0; i < tokens; ++i) advance();
    ASSIGN_OR_RETURN(ExprPtr operand, parse_sum());
    node->height = std::max(node->height, operand->height + 1);
    node->rest.emplace_back(op, std::move(operand));
  }
  if (node->rest.empty()) return first;
  node->first = std::move(first);
  return finish(std::move(node), {});
}

Result<ExprPtr> ExpressionParser::parse_sum() {
  ASSIGN_OR_RETURN(ExprPtr left, parse_concat());
  while (current().is(TokenKind::kAdd) || current().is(TokenKind::kSub)) {
    auto node = std::make_unique<ArithmeticExpr>(
        current().line, current().is(TokenKind::kAdd) ? Arithmetic::kAdd : Arithmetic::kSubtract);
    advance();
    ASSIGN_OR_RETURN(node->right, parse_concat());
    node->left = std::move(left);
    auto& made = *node;
    ASSIGN_OR_RETURN(left, finish(std::move(node), {made.left.get(), made.right.get()}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::parse_concat() {
  ASSIGN_OR_RETURN(ExprPtr first, parse_product());
  if (!current().is(TokenKind::kTilde)) return first;
  auto node = std::make_unique<ConcatExpr>(current().line);
  node->height = first->height + 1;
  node->parts.push_back(std::move(first));
  while (skip_if(TokenKind::kTilde)) {
    ASSIGN_OR_RETURN(ExprPtr part, parse_product());
    node->height = std::max(node->height, part->height + 1);
    node->parts.push_back(std::move(part));
  }
  return finish(std::move(node), {});
}

Result<ExprPtr> ExpressionParser::parse_product() {
  ASSIGN_OR_RETURN(ExprPtr left, parse_power());
  while (true) {
    Arithmetic op{};
    switch (current().kind) {
      case TokenKind::kMul:
        op = Arithmetic::kMultiply;
        break;
      case TokenKind::kDiv:
        op = Arithmetic::kDivide;
        break;
      case TokenKind::kFloorDiv:
        op = Arithmetic::kFloorDivide;
        break;
      case TokenKind::kMod:
        op = Arithmetic::kModulo;
        break;
      default:
        return left;
    }
    auto node = std::make_unique<ArithmeticExpr>(current().line, op);
    advance();
    ASSIGN_OR_RETURN(node->right, parse_power());
    node->left = std::move(left);
    auto& made = *node;
    ASSIGN_OR_RETURN(left, finish(std::move(node), {made.left.get(), made.right.get()}));
  }
}

Result<ExprPtr> ExpressionParser::parse_power() {
  ASSIGN_OR_RETURN(ExprPtr left, parse_unary());
  while (current().is(TokenKind::kPow)) {
    auto node = std::make_unique<ArithmeticExpr>(current().line, Arithmetic::kPower);
    advance();
    ASSIGN_OR_RETURN(node->right, parse_unary());
    node->left = std::move(left);
    auto& made = *node;
    ASSIGN_OR_RETURN(left, finish(std::move(node), {made.left.get(), made.right.get()}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::parse_unary(bool with_filter) {
  ExprPtr value;
  if (current().is(TokenKind::kSub) || current().is(TokenKind::kAdd)) {
    const NestingGuard guard(nesting_);
    if (nesting_ > kMaxNesting) return fail(current().line, "too many signs");
    const bool is_negative = current().is(TokenKind::kSub);
    const int line = current().line;
    advance();
    ASSIGN_OR_RETURN(ExprPtr operand, parse_unary(false));
    const Expr* child = operand.get();
    auto node = std::make_unique<UnaryExpr>(ExprKind::kSign, line, std::move(operand));
    node->is_negative = is_negative;
    ASSIGN_OR_RETURN(value, finish(std::move(node), {child}));
  } else {
    ASSIGN_OR_RETURN(value, parse_primary());
  }
  ASSIGN_OR_RETURN(value, parse_postfix(std::move(value)));
  if (with_filter) return parse_filter_chain(std::move(value));
  return value;
}

Result<ExprPtr> ExpressionParser::parse_name_or_keyword() {
  const Token token = current();
  advance();
  ConstExpr::Literal literal;
  if (token.text == "true" || token.text == "True") {
    literal = true;
  } else if (token.text == "false" || token.text == "False") {
    literal = false;
  } else if (token.text != "none" && token.text != "None") {
    return ExprPtr(std::make_unique<NameExpr>(token.line, symbol(token.text)));
  }
  return ExprPtr(std::make_unique<ConstExpr>(token.line, std::move(literal)));
}

Result<ExprPtr> ExpressionParser::parse_primary() {
  const int line = current().line;
  switch (current().kind) {
    case TokenKind::kName:
      return parse_name_or_keyword();
    case TokenKind::kString: {
      std::string text;  // adjacent literals are one
      for (; current().is(TokenKind::kString); advance()) text += current().text;
      auto node = std::make_unique<ConstExpr>(line, std::move(text));
      node->slot = ast_.text_constants++;
      return ExprPtr(std::move(node));
    }
    case TokenKind::kInteger: {
      const Int value = current().integer;
      advance();
      return ExprPtr(std::make_unique<ConstExpr>(line, value));
    }
    case TokenKind::kFloat: {
      const double value = current().number;
      advance();
      return ExprPtr(std::make_unique<ConstExpr>(line, value));
    }
    case TokenKind::kLeftParen: {
      advance();
      ASSIGN_OR_RETURN(ExprPtr value, parse_tuple(true, /*in_parentheses=*/true));
      RETURN_IF_ERROR(expect(TokenKind::kRightParen));
      return value;
    }
    case TokenKind::kLeftBracket:
      return parse_list();
    case TokenKind::kLeftBrace:
      return parse_dict();
    default:
      return fail_unexpected();
  }
}

Result<ExprPtr> ExpressionParser::parse_list() {
  auto node = std::make_unique<ItemsExpr>(ExprKind::kList, current().line);
  advance();
  while (!current().is(TokenKind::kRightBracket)) {
    if (!node->items.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
    if (current().is(TokenKind::kRightBracket)) break;
    ASSIGN_OR_RETURN(ExprPtr item, parse_expression());
    node->height = std::max(node->height, item->height + 1);
    node->items.push_back(std::move(item));
  }
  RETURN_IF_ERROR(expect(TokenKind::kRightBracket));
  return finish(std::move(node), {});
}

Result<ExprPtr> ExpressionParser::parse_dict() {
  auto node = std::make_unique<DictExpr>(current().line);
  advance();
  while (!current().is(TokenKind::kRightBrace)) {
    if (!node->entries.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
    if (current().is(TokenKind::kRightBrace)) break;
    ASSIGN_OR_RETURN(ExprPtr key, parse_expression());
    RETURN_IF_ERROR(expect(TokenKind::kColon));
    ASSIGN_OR_RETURN(ExprPtr value, parse_expression());
    node->height = std::max({node->height, key->height + 1, value->height + 1});
    node->entries.emplace_back(std::move(key), std::move(value));
  }
  RETURN_IF_ERROR(expect(TokenKind::kRightBrace));
  return finish(std::move(node), {});
}

}  // namespace nacelle::chat_template
