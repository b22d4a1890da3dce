// ast.h: the syntax tree of a template. Immutable once parsed; shared by all renderings.
//
// Names are numbers (SymbolId) into Ast::symbols, so that scopes compare integers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chat_template/eval/builtins.h"
#include "chat_template/value/operators.h"

namespace nacelle::chat_template {

using SymbolId = std::uint32_t;

enum class ExprKind : std::uint8_t {
  kConst,
  kName,
  kTuple,
  kList,
  kDict,
  kCondition,
  kLogic,
  kNot,
  kSign,
  kArithmetic,
  kConcat,
  kCompare,
  kFilter,
  kTest,
  kCall,
  kAttribute,
  kItem,
  kSlice,
};

struct Expr {
  Expr(ExprKind kind, int line) : kind(kind), line(line) {}
  virtual ~Expr() = default;

  ExprKind kind;
  int line;
  int height = 1;  // levels of expressions below and including this one
};
using ExprPtr = std::unique_ptr<Expr>;

struct ConstExpr final : Expr {
  using Literal = std::variant<std::monostate, bool, Int, double, std::string>;
  ConstExpr(int line, Literal literal)
      : Expr(ExprKind::kConst, line), literal(std::move(literal)) {}
  Literal literal;         // monostate is none
  std::uint32_t slot = 0;  // number of this text among all; each rendering makes it once
};

struct NameExpr final : Expr {
  NameExpr(int line, SymbolId symbol) : Expr(ExprKind::kName, line), symbol(symbol) {}
  SymbolId symbol;
};

// (a, b) and [a, b].
struct ItemsExpr final : Expr {
  ItemsExpr(ExprKind kind, int line) : Expr(kind, line) {}
  std::vector<ExprPtr> items;
};

struct DictExpr final : Expr {
  explicit DictExpr(int line) : Expr(ExprKind::kDict, line) {}
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};

// `value if test else otherwise`; otherwise may be null.
struct ConditionExpr final : Expr {
  explicit ConditionExpr(int line) : Expr(ExprKind::kCondition, line) {}
  ExprPtr test, value, otherwise;
};

// `a and b`, `a or b`.
struct LogicExpr final : Expr {
  LogicExpr(int line, bool is_and) : Expr(ExprKind::kLogic, line), is_and(is_and) {}
  bool is_and;
  ExprPtr left, right;
};

// `not x`, `-x`, `+x`.
struct UnaryExpr final : Expr {
  UnaryExpr(ExprKind kind, int line, ExprPtr operand)
      : Expr(kind, line), operand(std::move(operand)) {}
  ExprPtr operand;
  bool is_negative = false;  // kSign
};

struct ArithmeticExpr final : Expr {
  ArithmeticExpr(int line, Arithmetic op) : Expr(ExprKind::kArithmetic, line), op(op) {}
  Arithmetic op;
  ExprPtr left, right;
};

// a ~ b ~ c
struct ConcatExpr final : Expr {
  explicit ConcatExpr(int line) : Expr(ExprKind::kConcat, line) {}
  std::vector<ExprPtr> parts;
};

enum class Comparison : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

// a < b <= c: each operand is evaluated once.
struct CompareExpr final : Expr {
  explicit CompareExpr(int line) : Expr(ExprKind::kCompare, line) {}
  ExprPtr first;
  std::vector<std::pair<Comparison, ExprPtr>> rest;
};

// (a, b, name=c, *list, **dict)
struct Arguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr more_positional, more_named;
};

struct FilterExpr final : Expr {
  explicit FilterExpr(int line) : Expr(ExprKind::kFilter, line) {}
  ExprPtr value;  // null in filter blocks: the text of the block
  std::string name;
  FilterFunction function = nullptr;  // null when unknown: an error only if it is reached
  Arguments arguments;
};

struct TestExpr final : Expr {
  explicit TestExpr(int line) : Expr(ExprKind::kTest, line) {}
  ExprPtr value;
  std::string name;
  TestFunction function = nullptr;
  Arguments arguments;
};

struct CallExpr final : Expr {
  explicit CallExpr(int line) : Expr(ExprKind::kCall, line) {}
  ExprPtr callee;
  Arguments arguments;
};

// value.name
struct AttributeExpr final : Expr {
  AttributeExpr(int line, std::string name)
      : Expr(ExprKind::kAttribute, line), name(std::move(name)) {}
  ExprPtr value;
  std::string name;
};

// value[index]
struct ItemExpr final : Expr {
  explicit ItemExpr(int line) : Expr(ExprKind::kItem, line) {}
  ExprPtr value, index;
};

// start:stop:step inside brackets; missing parts are null.
struct SliceExpr final : Expr {
  explicit SliceExpr(int line) : Expr(ExprKind::kSlice, line) {}
  ExprPtr start, stop, step;
};

// What `set`, `for` and `with` assign to: a name, namespace.attribute, or a tuple of those.
struct Target {
  int line = 1;
  SymbolId symbol = 0;
  std::string attribute;  // not empty: an attribute of the namespace `symbol`
  bool is_tuple = false;
  std::vector<Target> items;  // of a tuple
};

enum class StatementKind : std::uint8_t {
  kText,
  kPrint,
  kFor,
  kIf,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kScope,  // {% generation %}, {% block %}
  kBreak,
  kContinue,
};

struct Statement {
  Statement(StatementKind kind, int line) : kind(kind), line(line) {}
  virtual ~Statement() = default;

  StatementKind kind;
  int line;
};
using Block = std::vector<std::unique_ptr<Statement>>;

struct TextStatement final : Statement {
  TextStatement(int line, std::string text)
      : Statement(StatementKind::kText, line), text(std::move(text)) {}
  std::string text;
};

struct PrintStatement final : Statement {
  PrintStatement(int line, ExprPtr value)
      : Statement(StatementKind::kPrint, line), value(std::move(value)) {}
  ExprPtr value;
};

struct ForStatement final : Statement {
  explicit ForStatement(int line) : Statement(StatementKind::kFor, line) {}
  Target target;
  ExprPtr items, test;  // test may be null
  bool is_recursive = false;
  SymbolId loop_symbol = 0;  // of the name "loop"
  Block body, otherwise;
};

struct IfStatement final : Statement {
  explicit IfStatement(int line) : Statement(StatementKind::kIf, line) {}
  std::vector<std::pair<ExprPtr, Block>> branches;  // if, elif, ...
  Block otherwise;
};

struct SetStatement final : Statement {
  explicit SetStatement(int line) : Statement(StatementKind::kSet, line) {}
  Target target;
  ExprPtr value;
};

struct SetBlockStatement final : Statement {
  explicit SetBlockStatement(int line) : Statement(StatementKind::kSetBlock, line) {}
  Target target;
  ExprPtr filter;  // may be null
  Block body;
};

// Parameters and body of a macro, or of the caller a call block makes.
struct MacroDefinition {
  struct Parameter {
    std::string name;
    SymbolId symbol;
    ExprPtr fallback;  // may be null
  };
  std::string name;  // empty for callers
  std::vector<Parameter> parameters;
  Block body;
  // Whether the body reads these names, which are then filled in.
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
  SymbolId caller_symbol = 0, kwargs_symbol = 0, varargs_symbol = 0;
};

struct MacroStatement final : Statement {
  explicit MacroStatement(int line) : Statement(StatementKind::kMacro, line) {}
  SymbolId symbol = 0;
  MacroDefinition macro;
};

struct CallBlockStatement final : Statement {
  explicit CallBlockStatement(int line) : Statement(StatementKind::kCallBlock, line) {}
  MacroDefinition caller;
  ExprPtr call;  // a CallExpr
};

struct FilterBlockStatement final : Statement {
  explicit FilterBlockStatement(int line) : Statement(StatementKind::kFilterBlock, line) {}
  ExprPtr filter;
  Block body;
};

struct WithStatement final : Statement {
  explicit WithStatement(int line) : Statement(StatementKind::kWith, line) {}
  std::vector<std::pair<Target, ExprPtr>> assignments;
  Block body;
};

struct ScopeStatement final : Statement {
  ScopeStatement(int line, bool sees_locals)
      : Statement(StatementKind::kScope, line), sees_locals(sees_locals) {}
  bool sees_locals;  // a `block` sees only the variables of the template, not those of a loop
  Block body;
};

struct Ast {
  Block body;
  std::vector<std::string> symbols;  // name of each SymbolId
  std::uint32_t text_constants = 0;  // slots used by ConstExpr
};

}  // namespace nacelle::chat_template
