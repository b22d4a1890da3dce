#include "chat_template/eval/interpreter.h"

#include <map>

#include "chat_template/eval/globals.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/from_json.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {

Interpreter::Interpreter(const Ast& ast, const RenderLimits& limits, LocalTime now)
    : runtime_(limits),
      ast_(ast),
      now_(now),
      globals_(ast.symbols.size()),
      constants_(ast.text_constants) {}

Interpreter::~Interpreter() = default;

Status Interpreter::load_variables(const nlohmann::ordered_json& variables) {
  std::map<std::string_view, const nlohmann::ordered_json*> given;
  for (const auto& [name, value] : variables.items()) given.emplace(name, &value);
  for (std::size_t i = 0; i < ast_.symbols.size(); ++i) {
    const std::string& name = ast_.symbols[i];
    const auto it = given.find(name);
    if (it != given.end()) {
      ASSIGN_OR_RETURN(globals_[i], from_json(runtime_, *it->second));
    } else {
      globals_[i] = make_global(runtime_, name);
    }
  }
  return {};
}

Result<std::string> Interpreter::render(const nlohmann::ordered_json& variables) {
  if (!variables.is_object()) return invalid_argument("the template variables are no JSON object");
  RETURN_IF_ERROR(load_variables(variables));
  const auto flow = execute(ast_.body);
  if (flow.has_value()) return std::move(output_);
  if (was_raised_ || error_line_ == 0) return flow.error();
  return flow.error().with_context(fmt::format("chat template, line {}", error_line_));
}

Status Interpreter::raise(std::string message) {
  was_raised_ = true;
  return {Code::kInvalidArgument, std::move(message)};
}

Status Interpreter::emit(std::string_view text) {
  if (out_->size() + text.size() > runtime_.limits().max_output_bytes) {
    return out_of_range("the chat template wrote more than {} bytes",
                        runtime_.limits().max_output_bytes);
  }
  out_->append(text);
  return runtime_.spend(text.size() / 64);
}

const Value* Interpreter::lookup(SymbolId symbol) const {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent().get()) {
    if (const Value* found = scope->find_here(symbol); found != nullptr) return found;
  }
  const auto& global = globals_[symbol];
  return global ? &*global : nullptr;
}

void Interpreter::define(SymbolId symbol, Value value) {
  if (scope_) {
    scope_->set(symbol, std::move(value));
  } else {
    globals_[symbol] = std::move(value);
  }
}

Status Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    ASSIGN_OR_RETURN(const std::vector<Value> parts, collect(*this, value));
    if (parts.size() != target.items.size()) {
      return invalid_argument("expected {} values to unpack, got {}", target.items.size(),
                              parts.size());
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      RETURN_IF_ERROR(assign(target.items[i], parts[i]));
    }
    return {};
  }
  if (target.attribute.empty()) {
    define(target.symbol, value);
    return {};
  }
  const Value* holder = lookup(target.symbol);
  auto* space = holder == nullptr || !holder->is(Kind::kInstance)
                    ? nullptr
                    : dynamic_cast<NamespaceObject*>(&holder->instance());
  if (space == nullptr) return invalid_argument("cannot assign attribute on non-namespace object");
  return space->set(runtime_, target.attribute, value);
}

}  // namespace nacelle::chat_template
