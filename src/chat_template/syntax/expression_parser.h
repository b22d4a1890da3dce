// expression_parser.h: the expression half of the parser, by precedence climbing.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "chat_template/syntax/ast.h"
#include "chat_template/syntax/token.h"

namespace nacelle::chat_template {

class ExpressionParser {
 protected:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // `a` or, with commas, a tuple. `stop_name` also ends a tuple ("in", "recursive").
  Result<ExprPtr> parse_tuple(bool with_condition = true, bool in_parentheses = false,
                              std::string_view stop_name = {});
  Result<ExprPtr> parse_expression(bool with_condition = true);
  // `name`, `namespace.name` (if allowed) or a tuple of them.
  Result<Target> parse_target(bool with_namespace, std::string_view stop_name = {});
  Result<Target> parse_name_target();
  // `name(...)|name|...` behind a pipe, applied to `value` (null in filter blocks).
  Result<ExprPtr> parse_filters(ExprPtr value, bool starts_inside);

  [[nodiscard]] const Token& current() const { return tokens_[position_]; }
  [[nodiscard]] const Token& look_ahead() const {
    return tokens_[std::min(position_ + 1, tokens_.size() - 1)];
  }
  void advance() {
    if (position_ + 1 < tokens_.size()) ++position_;
  }
  bool skip_if(TokenKind kind);
  bool skip_if_name(std::string_view name);
  Status expect(TokenKind kind);
  Status expect_name(std::string_view name);
  Result<std::string> expect_identifier();
  Status fail(int line, std::string_view message) const;
  Status fail_unexpected() const;

  SymbolId symbol(const std::string& name);

  Ast ast_;

 private:
  Result<ExprPtr> parse_condition();
  Result<ExprPtr> parse_or();
  Result<ExprPtr> parse_and();
  Result<ExprPtr> parse_not();
  Result<ExprPtr> parse_compare();
  Result<ExprPtr> parse_sum();
  Result<ExprPtr> parse_concat();
  Result<ExprPtr> parse_product();
  Result<ExprPtr> parse_power();
  Result<ExprPtr> parse_unary(bool with_filter = true);
  Result<ExprPtr> parse_primary();
  Result<ExprPtr> parse_name_or_keyword();
  Result<ExprPtr> parse_list();
  Result<ExprPtr> parse_dict();
  Result<ExprPtr> parse_postfix(ExprPtr value);
  Result<ExprPtr> parse_filter_chain(ExprPtr value);
  Result<ExprPtr> parse_subscript(ExprPtr value);
  Result<ExprPtr> parse_index();
  Result<ExprPtr> parse_call(ExprPtr callee);
  Result<ExprPtr> parse_test(ExprPtr value);
  Result<Arguments> parse_arguments();
  Result<Target> target_from(const Expr& expr);
  Result<std::string> parse_dotted_name();
  Result<Target> parse_one_target(bool with_namespace);
  [[nodiscard]] bool at_tuple_end(std::string_view stop_name) const;

  // Checks and records how many levels a new node stands on.
  Result<ExprPtr> finish(ExprPtr node, std::initializer_list<const Expr*> children);
  Result<ExprPtr> finish(ExprPtr node, const Arguments& arguments, const Expr* value);

  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  int nesting_ = 0;
  std::unordered_map<std::string, SymbolId> symbol_ids_;
};

}  // namespace nacelle::chat_template
