// postfix_parser.cc: what follows a value: attributes, items, calls, filters, tests; and targets.
#include <algorithm>

#include "chat_template/syntax/expression_parser.h"

namespace nacelle::chat_template {

Result<ExprPtr> ExpressionParser::parse_postfix(ExprPtr value) {
  while (true) {
    switch (current().kind) {
      case TokenKind::kDot:
      case TokenKind::kLeftBracket: {
        ASSIGN_OR_RETURN(value, parse_subscript(std::move(value)));
        break;
      }
      case TokenKind::kLeftParen: {
        ASSIGN_OR_RETURN(value, parse_call(std::move(value)));
        break;
      }
      default:
        return value;
    }
  }
}

Result<ExprPtr> ExpressionParser::parse_filter_chain(ExprPtr value) {
  while (true) {
    if (current().is(TokenKind::kPipe)) {
      ASSIGN_OR_RETURN(value, parse_filters(std::move(value), false));
    } else if (current().is_name("is")) {
      ASSIGN_OR_RETURN(value, parse_test(std::move(value)));
    } else if (current().is(TokenKind::kLeftParen)) {
      ASSIGN_OR_RETURN(value, parse_call(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExprPtr> ExpressionParser::parse_subscript(ExprPtr value) {
  const int line = current().line;
  const Expr* child = value.get();
  if (skip_if(TokenKind::kDot)) {
    if (current().is(TokenKind::kName)) {
      auto node = std::make_unique<AttributeExpr>(line, current().text);
      advance();
      node->value = std::move(value);
      return finish(std::move(node), {child});
    }
    if (!current().is(TokenKind::kInteger)) return fail(current().line, "expected name or number");
    auto node = std::make_unique<ItemExpr>(line);
    node->index = std::make_unique<ConstExpr>(line, current().integer);
    advance();
    node->value = std::move(value);
    return finish(std::move(node), {child});
  }
  advance();
  auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, line);
  while (!current().is(TokenKind::kRightBracket)) {
    if (!tuple->items.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
    ASSIGN_OR_RETURN(ExprPtr index, parse_index());
    tuple->height = std::max(tuple->height, index->height + 1);
    tuple->items.push_back(std::move(index));
  }
  advance();
  auto node = std::make_unique<ItemExpr>(line);
  node->value = std::move(value);
  if (tuple->items.size() == 1) {
    node->index = std::move(tuple->items.front());
  } else {
    node->index = std::move(tuple);
  }
  const Expr* index = node->index.get();
  return finish(std::move(node), {child, index});
}

Result<ExprPtr> ExpressionParser::parse_index() {
  auto node = std::make_unique<SliceExpr>(current().line);
  if (!current().is(TokenKind::kColon)) {
    ASSIGN_OR_RETURN(ExprPtr first, parse_expression());
    if (!current().is(TokenKind::kColon)) return first;
    node->start = std::move(first);
  }
  advance();
  const auto at_end = [this] {
    return current().is(TokenKind::kRightBracket) || current().is(TokenKind::kComma);
  };
  if (!current().is(TokenKind::kColon) && !at_end()) {
    ASSIGN_OR_RETURN(node->stop, parse_expression());
  }
  if (skip_if(TokenKind::kColon) && !at_end()) {
    ASSIGN_OR_RETURN(node->step, parse_expression());
  }
  const auto& made = *node;
  return finish(std::move(node), {made.start.get(), made.stop.get(), made.step.get()});
}

Result<ExprPtr> ExpressionParser::parse_call(ExprPtr callee) {
  auto node = std::make_unique<CallExpr>(current().line);
  ASSIGN_OR_RETURN(node->arguments, parse_arguments());
  node->callee = std::move(callee);
  const auto& made = *node;
  return finish(std::move(node), made.arguments, made.callee.get());
}

Result<Arguments> ExpressionParser::parse_arguments() {
  const int line = current().line;
  const auto misplaced = [&] { return fail(line, "invalid syntax for function call expression"); };
  RETURN_IF_ERROR(expect(TokenKind::kLeftParen));
  Arguments arguments;
  bool needs_comma = false;
  while (!current().is(TokenKind::kRightParen)) {
    if (needs_comma) {
      RETURN_IF_ERROR(expect(TokenKind::kComma));
      if (current().is(TokenKind::kRightParen)) break;
    }
    needs_comma = true;
    if (skip_if(TokenKind::kMul)) {
      if (arguments.more_positional || arguments.more_named) return misplaced();
      ASSIGN_OR_RETURN(arguments.more_positional, parse_expression());
    } else if (skip_if(TokenKind::kPow)) {
      if (arguments.more_named) return misplaced();
      ASSIGN_OR_RETURN(arguments.more_named, parse_expression());
    } else if (current().is(TokenKind::kName) && look_ahead().is(TokenKind::kAssign)) {
      if (arguments.more_named) return misplaced();
      std::string name = current().text;
      advance();
      advance();
      const auto is_same = [&](const auto& given) { return given.first == name; };
      if (std::any_of(arguments.named.begin(), arguments.named.end(), is_same)) {
        return fail(line, fmt::format("the argument '{}' is repeated", name));
      }
      ASSIGN_OR_RETURN(ExprPtr value, parse_expression());
      arguments.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (arguments.more_positional || arguments.more_named || !arguments.named.empty()) {
        return misplaced();
      }
      ASSIGN_OR_RETURN(ExprPtr value, parse_expression());
      arguments.positional.push_back(std::move(value));
    }
  }
  RETURN_IF_ERROR(expect(TokenKind::kRightParen));
  return arguments;
}

Result<std::string> ExpressionParser::parse_dotted_name() {
  ASSIGN_OR_RETURN(std::string name, expect_identifier());
  while (skip_if(TokenKind::kDot)) {
    ASSIGN_OR_RETURN(const std::string part, expect_identifier());
    name += "." + part;
  }
  return name;
}

Result<ExprPtr> ExpressionParser::parse_filters(ExprPtr value, bool starts_inside) {
  while (starts_inside || skip_if(TokenKind::kPipe)) {
    starts_inside = false;
    auto node = std::make_unique<FilterExpr>(current().line);
    ASSIGN_OR_RETURN(node->name, parse_dotted_name());
    node->function = find_filter(node->name);
    if (current().is(TokenKind::kLeftParen)) {
      ASSIGN_OR_RETURN(node->arguments, parse_arguments());
    }
    node->value = std::move(value);
    const auto& made = *node;
    ASSIGN_OR_RETURN(value, finish(std::move(node), made.arguments, made.value.get()));
  }
  return value;
}

Result<ExprPtr> ExpressionParser::parse_test(ExprPtr value) {
  auto node = std::make_unique<TestExpr>(current().line);
  advance();
  const bool is_negated = skip_if_name("not");
  ASSIGN_OR_RETURN(node->name, parse_dotted_name());
  node->function = find_test(node->name);
  switch (current().kind) {
    case TokenKind::kLeftParen: {
      ASSIGN_OR_RETURN(node->arguments, parse_arguments());
      break;
    }
    case TokenKind::kName:
      if (current().is_name("else") || current().is_name("or") || current().is_name("and")) break;
      if (current().is_name("is")) {
        return fail(current().line, "You cannot chain multiple tests with is");
      }
      [[fallthrough]];
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kLeftBracket:
    case TokenKind::kLeftBrace: {
      ASSIGN_OR_RETURN(ExprPtr argument, parse_primary());
      ASSIGN_OR_RETURN(argument, parse_postfix(std::move(argument)));
      node->arguments.positional.push_back(std::move(argument));
      break;
    }
    default:
      break;
  }
  node->value = std::move(value);
  const auto& made = *node;
  ASSIGN_OR_RETURN(ExprPtr test, finish(std::move(node), made.arguments, made.value.get()));
  if (!is_negated) return test;
  const Expr* child = test.get();
  const int line = test->line;
  return finish(std::make_unique<UnaryExpr>(ExprKind::kNot, line, std::move(test)), {child});
}

Result<Target> ExpressionParser::target_from(const Expr& expr) {
  Target target;
  target.line = expr.line;
  if (expr.kind == ExprKind::kName) {
    target.symbol = static_cast<const NameExpr&>(expr).symbol;
    return target;
  }
  if (expr.kind == ExprKind::kTuple) {
    target.is_tuple = true;
    for (const auto& item : static_cast<const ItemsExpr&>(expr).items) {
      ASSIGN_OR_RETURN(Target part, target_from(*item));
      target.items.push_back(std::move(part));
    }
    return target;
  }
  return fail(expr.line, "can't assign to this expression");
}

Result<Target> ExpressionParser::parse_one_target(bool with_namespace) {
  if (with_namespace && current().is(TokenKind::kName) && look_ahead().is(TokenKind::kDot)) {
    Target target;
    target.line = current().line;
    target.symbol = symbol(current().text);
    advance();
    advance();
    ASSIGN_OR_RETURN(target.attribute, expect_identifier());
    return target;
  }
  ASSIGN_OR_RETURN(const ExprPtr expr, parse_primary());
  return target_from(*expr);
}

Result<Target> ExpressionParser::parse_target(bool with_namespace, std::string_view stop_name) {
  Target tuple;
  tuple.line = current().line;
  tuple.is_tuple = true;
  bool has_comma = false;
  while (true) {
    if (!tuple.items.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
    if (at_tuple_end(stop_name)) break;
    ASSIGN_OR_RETURN(Target item, parse_one_target(with_namespace));
    tuple.items.push_back(std::move(item));
    if (!current().is(TokenKind::kComma)) break;
    has_comma = true;
  }
  if (has_comma) return tuple;
  if (tuple.items.empty()) {
    return fail(current().line, fmt::format("expected a name, got {}", describe(current())));
  }
  // Taken out first: the vector that holds the item belongs to the object it replaces.
  Target only = std::move(tuple.items.front());
  return only;
}

Result<Target> ExpressionParser::parse_name_target() {
  Target target;
  target.line = current().line;
  ASSIGN_OR_RETURN(const std::string name, expect_identifier());
  if (name == "true" || name == "false" || name == "none" || name == "True" || name == "False" ||
      name == "None") {
    return fail(target.line, fmt::format("can't assign to '{}'", name));
  }
  target.symbol = symbol(name);
  return target;
}

}  // namespace nacelle::chat_template
