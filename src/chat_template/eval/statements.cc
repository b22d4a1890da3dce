// statements.cc: the statement half of the interpreter.
#include "chat_template/eval/guards.h"
#include "chat_template/eval/loop.h"
#include "chat_template/eval/macro.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {

Result<Interpreter::Flow> Interpreter::execute(const Block& block) {
  for (const auto& statement : block) {
    auto flow = execute(*statement);
    if (!flow.has_value()) {
      if (error_line_ == 0) error_line_ = statement->line;
      return flow;
    }
    if (*flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute(const Statement& statement) {
  RETURN_IF_ERROR(runtime_.spend(1));
  switch (statement.kind) {
    case StatementKind::kText:
      RETURN_IF_ERROR(emit(static_cast<const TextStatement&>(statement).text));
      return Flow::kNext;
    case StatementKind::kPrint:
      RETURN_IF_ERROR(execute_print(static_cast<const PrintStatement&>(statement)));
      return Flow::kNext;
    case StatementKind::kFor:
      return execute_for(static_cast<const ForStatement&>(statement));
    case StatementKind::kIf:
      return execute_if(static_cast<const IfStatement&>(statement));
    case StatementKind::kSet:
      RETURN_IF_ERROR(execute_set(static_cast<const SetStatement&>(statement)));
      return Flow::kNext;
    case StatementKind::kSetBlock:
      return execute_set_block(static_cast<const SetBlockStatement&>(statement));
    case StatementKind::kMacro:
      define_macro(static_cast<const MacroStatement&>(statement));
      return Flow::kNext;
    case StatementKind::kCallBlock:
      RETURN_IF_ERROR(execute_call_block(static_cast<const CallBlockStatement&>(statement)));
      return Flow::kNext;
    case StatementKind::kFilterBlock:
      return execute_filter_block(static_cast<const FilterBlockStatement&>(statement));
    case StatementKind::kWith:
      return execute_with(static_cast<const WithStatement&>(statement));
    case StatementKind::kScope:
      return execute_scope(static_cast<const ScopeStatement&>(statement));
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Status Interpreter::execute_print(const PrintStatement& statement) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*statement.value));
  if (value.is_string()) return emit(value.text());
  ASSIGN_OR_RETURN(const std::string text, to_text(runtime_, value));
  return emit(text);
}

Status Interpreter::execute_set(const SetStatement& statement) {
  ASSIGN_OR_RETURN(const Value value, evaluate(*statement.value));
  return assign(statement.target, value);
}

Result<Interpreter::Flow> Interpreter::execute_if(const IfStatement& statement) {
  for (const auto& [test, body] : statement.branches) {
    ASSIGN_OR_RETURN(const Value value, evaluate(*test));
    if (is_true(value)) return execute(body);
  }
  return execute(statement.otherwise);
}

Result<Interpreter::Flow> Interpreter::execute_set_block(const SetBlockStatement& statement) {
  Value text;
  {
    const ScopeGuard guard(*this, runtime_.make<Scope>(0, scope_));
    OutputCapture capture(*this);
    ASSIGN_OR_RETURN(const Flow flow, execute(statement.body));
    if (flow != Flow::kNext) return flow;
    text = capture.take();
    if (statement.filter) {
      std::swap(block_text_, text);
      auto filtered = evaluate(*statement.filter);
      std::swap(block_text_, text);
      ASSIGN_OR_RETURN(text, std::move(filtered));
    }
  }
  RETURN_IF_ERROR(assign(statement.target, text));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute_filter_block(const FilterBlockStatement& statement) {
  Value result;
  {
    const ScopeGuard guard(*this, runtime_.make<Scope>(0, scope_));
    OutputCapture capture(*this);
    ASSIGN_OR_RETURN(const Flow flow, execute(statement.body));
    if (flow != Flow::kNext) return flow;
    Value text = capture.take();
    std::swap(block_text_, text);
    auto filtered = evaluate(*statement.filter);
    std::swap(block_text_, text);
    ASSIGN_OR_RETURN(result, std::move(filtered));
  }
  RETURN_IF_ERROR(emit_block_result(result));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute_with(const WithStatement& statement) {
  std::vector<Value> values;  // all of them belong to the scope outside
  for (const auto& [target, expr] : statement.assignments) {
    ASSIGN_OR_RETURN(Value value, evaluate(*expr));
    values.push_back(std::move(value));
  }
  const ScopeGuard guard(*this, runtime_.make<Scope>(0, scope_));
  for (std::size_t i = 0; i < values.size(); ++i) {
    RETURN_IF_ERROR(assign(statement.assignments[i].first, values[i]));
  }
  return execute(statement.body);
}

Result<Interpreter::Flow> Interpreter::execute_scope(const ScopeStatement& statement) {
  const Ref<Scope> parent = statement.sees_locals ? scope_ : Ref<Scope>();
  const ScopeGuard guard(*this, runtime_.make<Scope>(0, parent));
  return execute(statement.body);
}

void Interpreter::define_macro(const MacroStatement& statement) {
  define(statement.symbol, make_instance(runtime_.make<MacroObject>(0, statement.macro, scope_)));
}

Status Interpreter::execute_call_block(const CallBlockStatement& statement) {
  const Value caller = make_instance(runtime_.make<MacroObject>(0, statement.caller, scope_));
  ASSIGN_OR_RETURN(const Value result,
                   evaluate_call(static_cast<const CallExpr&>(*statement.call), &caller));
  return emit_block_result(result);
}

// What filter and call blocks write is not turned into text, as what `{{ }}` prints is.
Status Interpreter::emit_block_result(const Value& result) {
  if (result.is_string()) return emit(result.text());
  return invalid_argument("the block gives a value of type '{}', not text", kind_name(result));
}

Result<Interpreter::Flow> Interpreter::execute_for(const ForStatement& statement) {
  ASSIGN_OR_RETURN(const Value items, evaluate(*statement.items));
  if (!statement.is_recursive) return run_loop(statement, items, 0);
  ASSIGN_OR_RETURN(const Value text, run_recursive_loop(statement, scope_, items, 0));
  RETURN_IF_ERROR(emit(text.text()));
  return Flow::kNext;
}

Result<Value> Interpreter::run_recursive_loop(const ForStatement& loop, const Ref<Scope>& closure,
                                              const Value& items, std::size_t depth) {
  const CallGuard call(*this);
  RETURN_IF_ERROR(call.check());
  const ScopeGuard guard(*this, closure);
  OutputCapture capture(*this);
  ASSIGN_OR_RETURN([[maybe_unused]] const Flow flow, run_loop(loop, items, depth));
  return capture.take();
}

Result<bool> Interpreter::accepts(const ForStatement& loop, const Ref<Scope>& closure,
                                  const Value& item) {
  const ScopeGuard guard(*this, runtime_.make<Scope>(0, closure));
  RETURN_IF_ERROR(assign(loop.target, item));
  ASSIGN_OR_RETURN(const Value value, evaluate(*loop.test));
  return is_true(value);
}

Result<Interpreter::Flow> Interpreter::run_loop(const ForStatement& statement, const Value& items,
                                                std::size_t depth) {
  ASSIGN_OR_RETURN(const Ref<LoopObject> loop,
                   make_loop(runtime_, statement, scope_, items, depth));
  const Value loop_value = make_instance(loop);
  const SymbolId loop_symbol = statement.loop_symbol;
  Ref<Scope> scope = runtime_.make<Scope>(0, scope_);
  bool completed_round = false;
  while (true) {
    RETURN_IF_ERROR(runtime_.spend(1));
    Value item;
    ASSIGN_OR_RETURN(const bool more, loop->advance(*this, item));
    if (!more) break;
    // Each round starts with fresh variables; a macro defined in the last one may still hold them.
    if (scope->is_shared()) {
      scope = runtime_.make<Scope>(0, scope_);
    } else {
      scope->reset();
    }
    const ScopeGuard guard(*this, scope);
    define(loop_symbol, loop_value);
    RETURN_IF_ERROR(assign(statement.target, item));
    ASSIGN_OR_RETURN(const Flow flow, execute(statement.body));
    if (flow == Flow::kBreak) break;
    completed_round = completed_round || flow == Flow::kNext;
  }
  // As in Jinja, `else` also runs when break or continue cut every round short.
  if (completed_round) return Flow::kNext;
  const ScopeGuard guard(*this, runtime_.make<Scope>(0, scope_));
  return execute(statement.otherwise);
}

}  // namespace nacelle::chat_template
