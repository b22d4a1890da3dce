#include "chat_template/syntax/content_format.h"

#include <algorithm>
#include <functional>
#include <set>

#include "chat_template/syntax/walk.h"

namespace nacelle::chat_template {
namespace {

// What lies under filters, tests and slices.
const Expr& unwrapped(const Expr& expr) {
  const Expr* at = &expr;
  while (true) {
    const Expr* inner = nullptr;
    if (at->kind == ExprKind::kFilter) {
      inner = static_cast<const FilterExpr*>(at)->value.get();
    } else if (at->kind == ExprKind::kTest) {
      inner = static_cast<const TestExpr*>(at)->value.get();
    } else if (at->kind == ExprKind::kItem) {
      const auto* item = static_cast<const ItemExpr*>(at);
      if (item->index->kind == ExprKind::kSlice) inner = item->value.get();
    }
    if (inner == nullptr) return *at;
    at = inner;
  }
}

using Names = std::set<SymbolId>;

bool is_one_of(const Expr& expr, const Names& names) {
  return expr.kind == ExprKind::kName && names.contains(static_cast<const NameExpr&>(expr).symbol);
}

// name.key or name['key']
bool is_field_of(const Expr& expr, const Names& names, std::string_view key) {
  if (expr.kind == ExprKind::kAttribute) {
    const auto& attribute = static_cast<const AttributeExpr&>(expr);
    return attribute.name == key && is_one_of(*attribute.value, names);
  }
  if (expr.kind != ExprKind::kItem) return false;
  const auto& item = static_cast<const ItemExpr&>(expr);
  if (item.index->kind != ExprKind::kConst || !is_one_of(*item.value, names)) return false;
  const auto* text = std::get_if<std::string>(&static_cast<const ConstExpr&>(*item.index).literal);
  return text != nullptr && *text == key;
}

class StatementCollector final : public AstWalker {
 public:
  std::vector<const SetStatement*> sets;
  std::vector<const ForStatement*> loops;

 protected:
  bool visit(const Statement& statement) override {
    if (statement.kind == StatementKind::kSet) {
      sets.push_back(&static_cast<const SetStatement&>(statement));
    } else if (statement.kind == StatementKind::kFor) {
      loops.push_back(&static_cast<const ForStatement&>(statement));
    }
    return true;
  }
  bool visit(const Expr&) override { return false; }
};

bool is_plain_name(const Target& target) { return !target.is_tuple && target.attribute.empty(); }

}  // namespace

bool loops_over_content(const Ast& ast) {
  StatementCollector found;
  found.walk(ast.body);

  Names lists;
  const auto messages = std::find(ast.symbols.begin(), ast.symbols.end(), "messages");
  if (messages == ast.symbols.end()) return false;
  lists.insert(static_cast<SymbolId>(messages - ast.symbols.begin()));
  for (bool grew = true; grew;) {
    grew = false;
    for (const SetStatement* set : found.sets) {
      if (is_plain_name(set->target) && is_one_of(unwrapped(*set->value), lists)) {
        grew = lists.insert(set->target.symbol).second || grew;
      }
    }
  }

  Names items;
  for (const ForStatement* loop : found.loops) {
    if (is_plain_name(loop->target) && is_one_of(unwrapped(*loop->items), lists)) {
      items.insert(loop->target.symbol);
    }
  }
  return std::any_of(found.loops.begin(), found.loops.end(), [&](const ForStatement* loop) {
    return is_field_of(unwrapped(*loop->items), items, "content");
  });
}

}  // namespace nacelle::chat_template
