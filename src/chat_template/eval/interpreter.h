// interpreter.h: walks the syntax tree and writes the text of one rendering.
//
// Home: the thread that renders; made for one rendering and then thrown away.
// Errors: invalid_argument for what the template did wrong, out_of_range for a limit. The message
// starts with the line of the innermost tag, except for raise_exception, whose text stands alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "chat_template/eval/call_args.h"
#include "chat_template/eval/scope.h"
#include "chat_template/format/strftime.h"
#include "chat_template/limits.h"
#include "chat_template/syntax/ast.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

class LoopObject;

class Interpreter {
 public:
  // `ast` must outlive the interpreter.
  Interpreter(const Ast& ast, const RenderLimits& limits, LocalTime now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Result<std::string> render(const nlohmann::ordered_json& variables);

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] LocalTime now() const { return now_; }

  Result<Value> call(const Value& callee, const CallArgs& args);
  Result<Value> call_filter(std::string_view name, const CallArgs& args);
  Result<bool> call_test(std::string_view name, const CallArgs& args);

  // The text a macro's body writes when called with `args` where the macro stands in `closure`.
  Result<Value> run_macro(const MacroDefinition& macro, const Ref<Scope>& closure,
                          const CallArgs& args);
  // The text a recursive loop writes for `items`.
  Result<Value> run_recursive_loop(const ForStatement& loop, const Ref<Scope>& closure,
                                   const Value& items, std::size_t depth);
  // Whether a loop's `if` accepts the item.
  Result<bool> accepts(const ForStatement& loop, const Ref<Scope>& closure, const Value& item);

  // Ends the rendering with exactly this message.
  Status raise(std::string message);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class ScopeGuard;
  class CallGuard;
  class OutputCapture;

  // Statements.
  Result<Flow> execute(const Block& block);
  Result<Flow> execute(const Statement& statement);
  Result<Flow> execute_for(const ForStatement& statement);
  Result<Flow> execute_if(const IfStatement& statement);
  Result<Flow> execute_set_block(const SetBlockStatement& statement);
  Result<Flow> execute_filter_block(const FilterBlockStatement& statement);
  Result<Flow> execute_with(const WithStatement& statement);
  Result<Flow> execute_scope(const ScopeStatement& statement);
  Status execute_print(const PrintStatement& statement);
  Status execute_set(const SetStatement& statement);
  Status execute_call_block(const CallBlockStatement& statement);
  void define_macro(const MacroStatement& statement);
  Result<Flow> run_loop(const ForStatement& statement, const Value& items, std::size_t depth);
  Status bind_macro_arguments(const MacroDefinition& macro, const CallArgs& args);

  // Expressions.
  Result<Value> evaluate(const Expr& expr);
  Result<Value> evaluate_const(const ConstExpr& expr);
  Result<Value> evaluate_name(const NameExpr& expr);
  Result<Value> evaluate_items(const ItemsExpr& expr);
  Result<Value> evaluate_dict(const DictExpr& expr);
  Result<Value> evaluate_condition(const ConditionExpr& expr);
  Result<Value> evaluate_logic(const LogicExpr& expr);
  Result<Value> evaluate_not(const UnaryExpr& expr);
  Result<Value> evaluate_sign(const UnaryExpr& expr);
  Result<Value> evaluate_arithmetic(const ArithmeticExpr& expr);
  Result<Value> evaluate_concat(const ConcatExpr& expr);
  Result<Value> evaluate_compare(const CompareExpr& expr);
  Result<Value> evaluate_filter(const FilterExpr& expr);
  Result<Value> evaluate_test(const TestExpr& expr);
  Result<Value> evaluate_call(const CallExpr& expr, const Value* caller);
  Result<Value> evaluate_attribute(const AttributeExpr& expr);
  Result<Value> evaluate_item(const ItemExpr& expr);
  Status evaluate_arguments(const Arguments& arguments, CallArgs& args);
  Status spread_positional(const Value& value, CallArgs& args);
  Status spread_named(const Value& value, CallArgs& args);
  Result<bool> compare(Comparison op, const Value& a, const Value& b);

  // Variables.
  [[nodiscard]] const Value* lookup(SymbolId symbol) const;
  void define(SymbolId symbol, Value value);
  Status assign(const Target& target, const Value& value);
  Status load_variables(const nlohmann::ordered_json& variables);

  Status emit(std::string_view text);
  Status emit_block_result(const Value& result);

  // First, so that every value below is gone before it.
  Runtime runtime_;
  const Ast& ast_;
  LocalTime now_;
  std::vector<std::optional<Value>> globals_;    // by SymbolId: variables of the template itself
  std::vector<std::optional<Value>> constants_;  // by ConstExpr::slot
  Ref<Scope> scope_;                             // null while at the top of the template
  std::string output_;
  std::string* out_ = &output_;
  Value block_text_;  // what the filter of a filter block is applied to
  std::uint32_t call_depth_ = 0;
  int error_line_ = 0;
  bool was_raised_ = false;
};

}  // namespace nacelle::chat_template
