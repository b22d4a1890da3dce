#include "chat_template/syntax/check.h"

#include "chat_template/syntax/walk.h"

namespace nacelle::chat_template {
namespace {

class NameFinder final : public AstWalker {
 public:
  explicit NameFinder(SymbolId symbol) : symbol_(symbol) {}
  [[nodiscard]] bool found() const { return found_; }

 protected:
  bool visit(const Expr& expr) override {
    if (expr.kind == ExprKind::kName && static_cast<const NameExpr&>(expr).symbol == symbol_) {
      found_ = true;
    }
    return !found_;
  }

 private:
  SymbolId symbol_;
  bool found_ = false;
};

class Checker final : public AstWalker {
 public:
  explicit Checker(const Ast& ast) : ast_(ast) {}
  [[nodiscard]] const Status& status() const { return status_; }

 protected:
  bool visit(const Statement& statement) override {
    const bool was_conditional = is_conditional_;
    const int loops = loops_;
    const int nested_loops = loops_around_names_;
    switch (statement.kind) {
      case StatementKind::kBreak:
      case StatementKind::kContinue:
        if (loops_ == 0) {
          fail(statement.line, statement.kind == StatementKind::kBreak ? "'break' outside loop"
                                                                       : "'continue' outside loop");
        }
        return false;
      case StatementKind::kIf:
        is_conditional_ = true;
        walk_children(statement);
        break;
      case StatementKind::kFor:
        visit_loop(static_cast<const ForStatement&>(statement));
        break;
      case StatementKind::kMacro:
      case StatementKind::kCallBlock:
      case StatementKind::kScope:
        visit_function(statement);
        break;
      case StatementKind::kSetBlock:
      case StatementKind::kFilterBlock:
      case StatementKind::kWith:
        is_conditional_ = false;
        walk_children(statement);
        break;
      default:
        return true;
    }
    is_conditional_ = was_conditional;
    loops_ = loops;
    loops_around_names_ = nested_loops;
    return false;
  }

  bool visit(const Expr& expr) override {
    if (expr.kind == ExprKind::kCondition) {
      const bool was_conditional = is_conditional_;
      is_conditional_ = true;
      walk_children(expr);
      is_conditional_ = was_conditional;
      return false;
    }
    if (is_conditional_) return true;
    if (expr.kind == ExprKind::kFilter) {
      const auto& filter = static_cast<const FilterExpr&>(expr);
      if (filter.function == nullptr) {
        fail(expr.line, fmt::format("No filter named '{}'.", filter.name));
      }
    } else if (expr.kind == ExprKind::kTest) {
      const auto& test = static_cast<const TestExpr&>(expr);
      if (test.function == nullptr) {
        fail(expr.line, fmt::format("No test named '{}'.", test.name));
      }
    }
    return true;
  }

  void visit(const Target& target) override {
    if (target.is_tuple) {
      for (const Target& item : target.items) visit(item);
    } else if (loops_around_names_ > 0 && target.attribute.empty() &&
               ast_.symbols[target.symbol] == "loop") {
      fail(target.line, "Can't assign to special loop variable in for-loop target");
    }
  }

 private:
  void visit_loop(const ForStatement& loop) {
    walk(loop.items.get());  // belongs to the scope around the loop
    is_conditional_ = false;
    ++loops_around_names_;
    visit(loop.target);
    walk(loop.test.get());
    ++loops_;
    walk(loop.body);
    --loops_;
    walk(loop.otherwise);
  }

  // A body that runs as a function of its own, where no loop around it can be left.
  void visit_function(const Statement& statement) {
    if (statement.kind == StatementKind::kCallBlock) {
      walk(static_cast<const CallBlockStatement&>(statement).call.get());
    }
    is_conditional_ = false;
    loops_ = 0;
    if (statement.kind == StatementKind::kCallBlock) {
      walk(static_cast<const CallBlockStatement&>(statement).caller);
    } else {
      walk_children(statement);
    }
  }

  void fail(int line, std::string_view message) {
    if (status_.ok()) status_ = invalid_argument("line {}: {}", line, message);
  }

  const Ast& ast_;
  Status status_;
  bool is_conditional_ = false;
  int loops_ = 0;               // loops that break would leave
  int loops_around_names_ = 0;  // loops whose `loop` an assignment would hide
};

}  // namespace

Status check_tree(const Ast& ast) {
  Checker checker(ast);
  checker.walk(ast.body);
  return checker.status();
}

bool reads_name(const Block& body, SymbolId symbol) {
  NameFinder finder(symbol);
  finder.walk(body);
  return finder.found();
}

}  // namespace nacelle::chat_template
