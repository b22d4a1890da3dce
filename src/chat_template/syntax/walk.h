// walk.h: visits every statement and expression of a syntax tree, parents first.
#pragma once

#include "chat_template/syntax/ast.h"

namespace nacelle::chat_template {

class AstWalker {
 public:
  virtual ~AstWalker() = default;

  void walk(const Block& block);
  void walk(const Statement& statement);
  void walk(const Expr* expr);  // null is allowed

 protected:
  // False: the visitor has seen to the children itself, or does not want them.
  virtual bool visit(const Statement&) { return true; }
  virtual bool visit(const Expr&) { return true; }
  virtual void visit(const Target&) {}

  void walk_children(const Statement& statement);
  void walk_children(const Expr& expr);
  void walk(const Arguments& arguments);
  void walk(const MacroDefinition& macro);
};

}  // namespace nacelle::chat_template
