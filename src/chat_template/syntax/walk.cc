#include "chat_template/syntax/walk.h"

namespace nacelle::chat_template {

void AstWalker::walk(const Block& block) {
  for (const auto& statement : block) walk(*statement);
}

void AstWalker::walk(const Statement& statement) {
  if (visit(statement)) walk_children(statement);
}

void AstWalker::walk(const Expr* expr) {
  if (expr != nullptr && visit(*expr)) walk_children(*expr);
}

void AstWalker::walk(const Arguments& arguments) {
  for (const auto& argument : arguments.positional) walk(argument.get());
  for (const auto& [name, argument] : arguments.named) walk(argument.get());
  walk(arguments.more_positional.get());
  walk(arguments.more_named.get());
}

void AstWalker::walk(const MacroDefinition& macro) {
  for (const auto& parameter : macro.parameters) walk(parameter.fallback.get());
  walk(macro.body);
}

void AstWalker::walk_children(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::kText:
    case StatementKind::kBreak:
    case StatementKind::kContinue:
      break;
    case StatementKind::kPrint:
      walk(static_cast<const PrintStatement&>(statement).value.get());
      break;
    case StatementKind::kFor: {
      const auto& loop = static_cast<const ForStatement&>(statement);
      visit(loop.target);
      walk(loop.items.get());
      walk(loop.test.get());
      walk(loop.body);
      walk(loop.otherwise);
      break;
    }
    case StatementKind::kIf: {
      const auto& branching = static_cast<const IfStatement&>(statement);
      for (const auto& [test, body] : branching.branches) {
        walk(test.get());
        walk(body);
      }
      walk(branching.otherwise);
      break;
    }
    case StatementKind::kSet: {
      const auto& set = static_cast<const SetStatement&>(statement);
      visit(set.target);
      walk(set.value.get());
      break;
    }
    case StatementKind::kSetBlock: {
      const auto& set = static_cast<const SetBlockStatement&>(statement);
      visit(set.target);
      walk(set.filter.get());
      walk(set.body);
      break;
    }
    case StatementKind::kMacro:
      walk(static_cast<const MacroStatement&>(statement).macro);
      break;
    case StatementKind::kCallBlock: {
      const auto& call = static_cast<const CallBlockStatement&>(statement);
      walk(call.call.get());
      walk(call.caller);
      break;
    }
    case StatementKind::kFilterBlock: {
      const auto& filter = static_cast<const FilterBlockStatement&>(statement);
      walk(filter.filter.get());
      walk(filter.body);
      break;
    }
    case StatementKind::kWith: {
      const auto& with = static_cast<const WithStatement&>(statement);
      for (const auto& [target, value] : with.assignments) {
        visit(target);
        walk(value.get());
      }
      walk(with.body);
      break;
    }
    case StatementKind::kScope:
      walk(static_cast<const ScopeStatement&>(statement).body);
      break;
  }
}

void AstWalker::walk_children(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConst:
    case ExprKind::kName:
      break;
    case ExprKind::kTuple:
    case ExprKind::kList:
      for (const auto& item : static_cast<const ItemsExpr&>(expr).items) walk(item.get());
      break;
    case ExprKind::kDict:
      for (const auto& [key, value] : static_cast<const DictExpr&>(expr).entries) {
        walk(key.get());
        walk(value.get());
      }
      break;
    case ExprKind::kCondition: {
      const auto& condition = static_cast<const ConditionExpr&>(expr);
      walk(condition.test.get());
      walk(condition.value.get());
      walk(condition.otherwise.get());
      break;
    }
    case ExprKind::kLogic:
      walk(static_cast<const LogicExpr&>(expr).left.get());
      walk(static_cast<const LogicExpr&>(expr).right.get());
      break;
    case ExprKind::kNot:
    case ExprKind::kSign:
      walk(static_cast<const UnaryExpr&>(expr).operand.get());
      break;
    case ExprKind::kArithmetic:
      walk(static_cast<const ArithmeticExpr&>(expr).left.get());
      walk(static_cast<const ArithmeticExpr&>(expr).right.get());
      break;
    case ExprKind::kConcat:
      for (const auto& part : static_cast<const ConcatExpr&>(expr).parts) walk(part.get());
      break;
    case ExprKind::kCompare: {
      const auto& compare = static_cast<const CompareExpr&>(expr);
      walk(compare.first.get());
      for (const auto& [op, operand] : compare.rest) walk(operand.get());
      break;
    }
    case ExprKind::kFilter:
      walk(static_cast<const FilterExpr&>(expr).value.get());
      walk(static_cast<const FilterExpr&>(expr).arguments);
      break;
    case ExprKind::kTest:
      walk(static_cast<const TestExpr&>(expr).value.get());
      walk(static_cast<const TestExpr&>(expr).arguments);
      break;
    case ExprKind::kCall:
      walk(static_cast<const CallExpr&>(expr).callee.get());
      walk(static_cast<const CallExpr&>(expr).arguments);
      break;
    case ExprKind::kAttribute:
      walk(static_cast<const AttributeExpr&>(expr).value.get());
      break;
    case ExprKind::kItem:
      walk(static_cast<const ItemExpr&>(expr).value.get());
      walk(static_cast<const ItemExpr&>(expr).index.get());
      break;
    case ExprKind::kSlice: {
      const auto& slice = static_cast<const SliceExpr&>(expr);
      walk(slice.start.get());
      walk(slice.stop.get());
      walk(slice.step.get());
      break;
    }
  }
}

}  // namespace nacelle::chat_template
