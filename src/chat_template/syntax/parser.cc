#include "chat_template/syntax/parser.h"

#include <algorithm>

#include "base/utf8.h"
#include "chat_template/syntax/check.h"
#include "chat_template/syntax/expression_parser.h"
#include "chat_template/syntax/lexer.h"

namespace nacelle::chat_template {
namespace {

class Parser final : ExpressionParser {
 public:
  explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  Result<std::unique_ptr<const Ast>> run() {
    RETURN_IF_ERROR(parse_until({}, ast_.body));
    RETURN_IF_ERROR(check_tree(ast_));
    return std::unique_ptr<const Ast>(std::make_unique<Ast>(std::move(ast_)));
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  // Statements up to a tag that starts with one of `ends`, which becomes the current token; with no
  // ends, up to the end of the template.
  Status parse_until(Names ends, Block& body) {
    if (++depth_ > kMaxStatementDepth) {
      return fail(current().line,
                  fmt::format("tags are nested deeper than {} levels", kMaxStatementDepth));
    }
    while (!current().is(TokenKind::kEnd)) {
      const int line = current().line;
      if (current().is(TokenKind::kData)) {
        body.push_back(std::make_unique<TextStatement>(line, current().text));
        advance();
      } else if (skip_if(TokenKind::kVariableBegin)) {
        ASSIGN_OR_RETURN(ExprPtr value, parse_tuple());
        RETURN_IF_ERROR(expect(TokenKind::kVariableEnd));
        body.push_back(std::make_unique<PrintStatement>(line, std::move(value)));
      } else {
        RETURN_IF_ERROR(expect(TokenKind::kBlockBegin));
        const bool is_end = std::any_of(ends.begin(), ends.end(), [this](std::string_view name) {
          return current().is_name(name);
        });
        if (is_end) {
          --depth_;
          return {};
        }
        RETURN_IF_ERROR(parse_statement(body));
        RETURN_IF_ERROR(expect(TokenKind::kBlockEnd));
      }
    }
    --depth_;
    if (ends.size() == 0) return {};
    return fail(current().line,
                fmt::format("Unexpected end of template. '{}' was expected.", *(ends.end() - 1)));
  }

  // The body behind a tag: its end, statements, and the name of the tag that follows.
  Status parse_body(Names ends, Block& body) {
    skip_if(TokenKind::kColon);
    RETURN_IF_ERROR(expect(TokenKind::kBlockEnd));
    return parse_until(ends, body);
  }

  // The same for bodies with one possible end, whose name is passed.
  Status parse_whole_body(std::string_view end, Block& body) {
    RETURN_IF_ERROR(parse_body({end}, body));
    return expect_name(end);
  }

  Status parse_statement(Block& body) {
    if (!current().is(TokenKind::kName)) return fail(current().line, "tag name expected");
    const Token tag = current();
    advance();
    const auto is = [&](std::string_view name) { return tag.text == name; };
    if (is("for")) return parse_for(tag.line, body);
    if (is("if")) return parse_if(tag.line, body);
    if (is("set")) return parse_set(tag.line, body);
    if (is("macro")) return parse_macro(tag.line, body);
    if (is("call")) return parse_call_block(tag.line, body);
    if (is("filter")) return parse_filter_block(tag.line, body);
    if (is("with")) return parse_with(tag.line, body);
    if (is("print")) return parse_print(tag.line, body);
    if (is("block")) return parse_block(tag.line, body);
    if (is("generation")) {
      auto node = std::make_unique<ScopeStatement>(tag.line, true);
      RETURN_IF_ERROR(parse_whole_body("endgeneration", node->body));
      body.push_back(std::move(node));
      return {};
    }
    if (is("break") || is("continue")) {
      body.push_back(std::make_unique<Statement>(
          is("break") ? StatementKind::kBreak : StatementKind::kContinue, tag.line));
      return {};
    }
    if (is("extends") || is("include") || is("import") || is("from") || is("autoescape")) {
      return fail(tag.line,
                  fmt::format("the tag '{}' is not supported in chat templates", tag.text));
    }
    return fail(tag.line, fmt::format("Encountered unknown tag '{}'.", tag.text));
  }

  Status parse_for(int line, Block& body) {
    auto node = std::make_unique<ForStatement>(line);
    ASSIGN_OR_RETURN(node->target, parse_target(false, "in"));
    RETURN_IF_ERROR(expect_name("in"));
    ASSIGN_OR_RETURN(node->items, parse_tuple(false, false, "recursive"));
    if (skip_if_name("if")) {
      ASSIGN_OR_RETURN(node->test, parse_expression());
    }
    node->is_recursive = skip_if_name("recursive");
    node->loop_symbol = symbol("loop");
    RETURN_IF_ERROR(parse_body({"else", "endfor"}, node->body));
    if (skip_if_name("else")) {
      RETURN_IF_ERROR(parse_whole_body("endfor", node->otherwise));
    } else {
      RETURN_IF_ERROR(expect_name("endfor"));
    }
    body.push_back(std::move(node));
    return {};
  }

  Status parse_if(int line, Block& body) {
    auto node = std::make_unique<IfStatement>(line);
    do {
      ASSIGN_OR_RETURN(ExprPtr test, parse_tuple(false));
      node->branches.emplace_back(std::move(test), Block());
      RETURN_IF_ERROR(parse_body({"elif", "else", "endif"}, node->branches.back().second));
    } while (skip_if_name("elif"));
    if (skip_if_name("else")) {
      RETURN_IF_ERROR(parse_whole_body("endif", node->otherwise));
    } else {
      RETURN_IF_ERROR(expect_name("endif"));
    }
    body.push_back(std::move(node));
    return {};
  }

  Status parse_set(int line, Block& body) {
    ASSIGN_OR_RETURN(Target target, parse_target(true));
    if (skip_if(TokenKind::kAssign)) {
      auto node = std::make_unique<SetStatement>(line);
      node->target = std::move(target);
      ASSIGN_OR_RETURN(node->value, parse_tuple());
      body.push_back(std::move(node));
      return {};
    }
    auto node = std::make_unique<SetBlockStatement>(line);
    node->target = std::move(target);
    ASSIGN_OR_RETURN(node->filter, parse_filters(nullptr, false));
    RETURN_IF_ERROR(parse_whole_body("endset", node->body));
    body.push_back(std::move(node));
    return {};
  }

  Status parse_signature(MacroDefinition& macro) {
    RETURN_IF_ERROR(expect(TokenKind::kLeftParen));
    bool has_fallback = false;
    while (!current().is(TokenKind::kRightParen)) {
      if (!macro.parameters.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
      ASSIGN_OR_RETURN(const Target name, parse_name_target());
      MacroDefinition::Parameter parameter{ast_.symbols[name.symbol], name.symbol, nullptr};
      for (const auto& other : macro.parameters) {
        if (other.symbol == name.symbol) {
          return fail(name.line, fmt::format("the parameter '{}' is repeated", parameter.name));
        }
      }
      if (skip_if(TokenKind::kAssign)) {
        ASSIGN_OR_RETURN(parameter.fallback, parse_expression());
        has_fallback = true;
      } else if (has_fallback) {
        return fail(name.line, "non-default argument follows default argument");
      }
      macro.parameters.push_back(std::move(parameter));
    }
    return expect(TokenKind::kRightParen);
  }

  // What the body reads besides its parameters decides which extra arguments the macro takes.
  void find_extras(MacroDefinition& macro) {
    macro.caller_symbol = symbol("caller");
    macro.kwargs_symbol = symbol("kwargs");
    macro.varargs_symbol = symbol("varargs");
    const auto uses = [&](SymbolId name) {
      const auto is_parameter = [&](const auto& parameter) { return parameter.symbol == name; };
      return std::none_of(macro.parameters.begin(), macro.parameters.end(), is_parameter) &&
             reads_name(macro.body, name);
    };
    macro.uses_caller = uses(macro.caller_symbol);
    macro.uses_kwargs = uses(macro.kwargs_symbol);
    macro.uses_varargs = uses(macro.varargs_symbol);
  }

  Status parse_macro(int line, Block& body) {
    auto node = std::make_unique<MacroStatement>(line);
    ASSIGN_OR_RETURN(const Target name, parse_name_target());
    node->symbol = name.symbol;
    node->macro.name = ast_.symbols[name.symbol];
    RETURN_IF_ERROR(parse_signature(node->macro));
    RETURN_IF_ERROR(parse_whole_body("endmacro", node->macro.body));
    find_extras(node->macro);
    body.push_back(std::move(node));
    return {};
  }

  Status parse_call_block(int line, Block& body) {
    auto node = std::make_unique<CallBlockStatement>(line);
    if (current().is(TokenKind::kLeftParen)) RETURN_IF_ERROR(parse_signature(node->caller));
    ASSIGN_OR_RETURN(node->call, parse_expression());
    if (node->call->kind != ExprKind::kCall) return fail(line, "expected call");
    RETURN_IF_ERROR(parse_whole_body("endcall", node->caller.body));
    find_extras(node->caller);
    body.push_back(std::move(node));
    return {};
  }

  Status parse_filter_block(int line, Block& body) {
    auto node = std::make_unique<FilterBlockStatement>(line);
    ASSIGN_OR_RETURN(node->filter, parse_filters(nullptr, true));
    RETURN_IF_ERROR(parse_whole_body("endfilter", node->body));
    body.push_back(std::move(node));
    return {};
  }

  Status parse_with(int line, Block& body) {
    auto node = std::make_unique<WithStatement>(line);
    while (!current().is(TokenKind::kBlockEnd)) {
      if (!node->assignments.empty()) RETURN_IF_ERROR(expect(TokenKind::kComma));
      ASSIGN_OR_RETURN(Target target, parse_target(false));
      RETURN_IF_ERROR(expect(TokenKind::kAssign));
      ASSIGN_OR_RETURN(ExprPtr value, parse_expression());
      node->assignments.emplace_back(std::move(target), std::move(value));
    }
    RETURN_IF_ERROR(parse_whole_body("endwith", node->body));
    body.push_back(std::move(node));
    return {};
  }

  Status parse_print(int line, Block& body) {
    bool is_first = true;
    while (!current().is(TokenKind::kBlockEnd)) {
      if (!is_first) RETURN_IF_ERROR(expect(TokenKind::kComma));
      is_first = false;
      ASSIGN_OR_RETURN(ExprPtr value, parse_expression());
      body.push_back(std::make_unique<PrintStatement>(line, std::move(value)));
    }
    return {};
  }

  Status parse_block(int line, Block& body) {
    ASSIGN_OR_RETURN(const std::string name, expect_identifier());
    if (std::find(blocks_.begin(), blocks_.end(), name) != blocks_.end()) {
      return fail(line, fmt::format("block '{}' defined twice", name));
    }
    blocks_.push_back(name);
    const bool is_scoped = skip_if_name("scoped");
    skip_if_name("required");
    auto node = std::make_unique<ScopeStatement>(line, is_scoped);
    RETURN_IF_ERROR(parse_whole_body("endblock", node->body));
    skip_if_name(name);
    body.push_back(std::move(node));
    return {};
  }

  int depth_ = 0;
  std::vector<std::string> blocks_;
};

}  // namespace

Result<std::unique_ptr<const Ast>> parse_template(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return out_of_range("the chat template has {} bytes; {} are allowed", source.size(),
                        kMaxTemplateBytes);
  }
  if (!is_valid_utf8(source)) return invalid_argument("the chat template is not UTF-8");
  ASSIGN_OR_RETURN(std::vector<Token> tokens, tokenize(source));
  return Parser(std::move(tokens)).run();
}

}  // namespace nacelle::chat_template
