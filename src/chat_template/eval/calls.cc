// calls.cc: arguments, and calls of functions, methods, macros, filters and tests.
#include "chat_template/eval/attributes.h"
#include "chat_template/eval/builtins.h"
#include "chat_template/eval/guards.h"
#include "chat_template/eval/methods.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {

Status Interpreter::spread_positional(const Value& value, CallArgs& args) {
  ASSIGN_OR_RETURN(std::vector<Value> more, collect(*this, value));
  for (Value& item : more) args.positional.push_back(std::move(item));
  return {};
}

Status Interpreter::spread_named(const Value& value, CallArgs& args) {
  if (!value.is(Kind::kDict)) {
    return invalid_argument("the argument after ** must be a mapping, not '{}'", kind_name(value));
  }
  for (const auto& [key, argument] : value.dict().entries()) {
    if (!key.is_string()) return invalid_argument("keywords must be strings");
    for (const auto& given : args.named) {
      if (given.name == key.text()) {
        return invalid_argument("got multiple values for the argument '{}'", key.text());
      }
    }
    RETURN_IF_ERROR(runtime_.spend(1 + args.named.size()));
    args.named.push_back({key.text(), argument});
  }
  return {};
}

Status Interpreter::evaluate_arguments(const Arguments& arguments, CallArgs& args) {
  args.positional.reserve(args.positional.size() + arguments.positional.size());
  for (const auto& argument : arguments.positional) {
    ASSIGN_OR_RETURN(Value value, evaluate(*argument));
    args.positional.push_back(std::move(value));
  }
  if (arguments.more_positional) {
    ASSIGN_OR_RETURN(const Value more, evaluate(*arguments.more_positional));
    RETURN_IF_ERROR(spread_positional(more, args));
  }
  for (const auto& [name, argument] : arguments.named) {
    ASSIGN_OR_RETURN(Value value, evaluate(*argument));
    args.named.push_back({name, std::move(value)});
  }
  if (arguments.more_named) {
    ASSIGN_OR_RETURN(const Value more, evaluate(*arguments.more_named));
    RETURN_IF_ERROR(spread_named(more, args));
  }
  return {};
}

Result<Value> Interpreter::evaluate_filter(const FilterExpr& expr) {
  if (expr.function == nullptr) return invalid_argument("No filter named '{}' found.", expr.name);
  CallArgs args;
  if (expr.value) {
    ASSIGN_OR_RETURN(Value value, evaluate(*expr.value));
    args.positional.push_back(std::move(value));
  } else {
    args.positional.push_back(block_text_);
  }
  RETURN_IF_ERROR(evaluate_arguments(expr.arguments, args));
  return expr.function(*this, args);
}

Result<Value> Interpreter::evaluate_test(const TestExpr& expr) {
  if (expr.function == nullptr) return invalid_argument("No test named '{}' found.", expr.name);
  CallArgs args;
  ASSIGN_OR_RETURN(Value value, evaluate(*expr.value));
  args.positional.push_back(std::move(value));
  RETURN_IF_ERROR(evaluate_arguments(expr.arguments, args));
  ASSIGN_OR_RETURN(const bool holds, expr.function(*this, args));
  return Value::boolean(holds);
}

Result<Value> Interpreter::call_filter(std::string_view name, const CallArgs& args) {
  RETURN_IF_ERROR(runtime_.spend(1));
  const FilterFunction function = find_filter(name);
  if (function == nullptr) return invalid_argument("No filter named '{}'.", name);
  return function(*this, args);
}

Result<bool> Interpreter::call_test(std::string_view name, const CallArgs& args) {
  RETURN_IF_ERROR(runtime_.spend(1));
  const TestFunction function = find_test(name);
  if (function == nullptr) return invalid_argument("No test named '{}'.", name);
  return function(*this, args);
}

Result<Value> Interpreter::evaluate_call(const CallExpr& expr, const Value* caller) {
  CallArgs args;
  const auto add_arguments = [&]() -> Status {
    RETURN_IF_ERROR(evaluate_arguments(expr.arguments, args));
    if (caller != nullptr) args.named.push_back({"caller", *caller});
    return {};
  };
  if (expr.callee->kind == ExprKind::kAttribute) {
    // A method of a built-in kind is called without making an object for it.
    const auto& attribute = static_cast<const AttributeExpr&>(*expr.callee);
    ASSIGN_OR_RETURN(const Value self, evaluate(*attribute.value));
    if (const MethodFunction method = find_method(self.kind(), attribute.name)) {
      RETURN_IF_ERROR(add_arguments());
      return method(*this, self, args);
    }
    ASSIGN_OR_RETURN(const Value callee, get_attribute(*this, self, attribute.name));
    RETURN_IF_ERROR(add_arguments());
    return call(callee, args);
  }
  ASSIGN_OR_RETURN(const Value callee, evaluate(*expr.callee));
  RETURN_IF_ERROR(add_arguments());
  return call(callee, args);
}

Result<Value> Interpreter::call(const Value& callee, const CallArgs& args) {
  if (callee.is_undefined()) return undefined_error(callee);
  if (!callee.is(Kind::kInstance)) {
    return invalid_argument("'{}' object is not callable", kind_name(callee));
  }
  const Ref<InstanceObject> keep(&callee.instance());
  return keep->call(*this, args);
}

// The rules of Jinja's macros: parameters by position, then by name; what is left goes to varargs
// and kwargs if the body reads them, and is an error otherwise.
Status Interpreter::bind_macro_arguments(const MacroDefinition& macro, const CallArgs& args) {
  std::vector<bool> is_used(args.named.size(), false);
  const auto take_named = [&](std::string_view name) -> const Value* {
    for (std::size_t i = 0; i < args.named.size(); ++i) {
      if (args.named[i].name == name && !is_used[i]) {
        is_used[i] = true;
        return &args.named[i].value;
      }
    }
    return nullptr;
  };
  std::vector<const MacroDefinition::Parameter*> missing;
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const auto& parameter = macro.parameters[i];
    const Value* given =
        i < args.positional.size() ? &args.positional[i] : take_named(parameter.name);
    if (given != nullptr) {
      scope_->set(parameter.symbol, *given);
    } else {
      missing.push_back(&parameter);
    }
  }
  if (macro.uses_caller) {
    const Value* caller = take_named("caller");
    scope_->set(macro.caller_symbol, caller != nullptr
                                         ? *caller
                                         : UndefinedObject::hinted(runtime_, "No caller defined"));
  }
  if (macro.uses_kwargs) {
    const Value kwargs = make_dict(runtime_);
    for (std::size_t i = 0; i < args.named.size(); ++i) {
      if (is_used[i]) continue;
      is_used[i] = true;
      RETURN_IF_ERROR(
          kwargs.dict().set(make_string(runtime_, args.named[i].name), args.named[i].value));
    }
    scope_->set(macro.kwargs_symbol, kwargs);
  }
  for (std::size_t i = 0; i < args.named.size(); ++i) {
    if (!is_used[i]) {
      return invalid_argument("macro '{}' takes no keyword argument '{}'", macro.name,
                              args.named[i].name);
    }
  }
  const std::size_t taken = std::min(args.positional.size(), macro.parameters.size());
  if (macro.uses_varargs) {
    const auto rest = args.positional.begin() + static_cast<std::ptrdiff_t>(taken);
    scope_->set(macro.varargs_symbol,
                make_tuple(runtime_, std::vector<Value>(rest, args.positional.end())));
  } else if (args.positional.size() > taken) {
    return invalid_argument("macro '{}' takes not more than {} argument(s)", macro.name,
                            macro.parameters.size());
  }
  // Defaults may use the parameters before them.
  for (const auto* parameter : missing) {
    if (parameter->fallback) {
      ASSIGN_OR_RETURN(Value value, evaluate(*parameter->fallback));
      scope_->set(parameter->symbol, std::move(value));
    } else {
      scope_->set(parameter->symbol,
                  UndefinedObject::hinted(
                      runtime_, fmt::format("parameter '{}' was not provided", parameter->name)));
    }
  }
  return {};
}

Result<Value> Interpreter::run_macro(const MacroDefinition& macro, const Ref<Scope>& closure,
                                     const CallArgs& args) {
  const CallGuard call(*this);
  RETURN_IF_ERROR(call.check());
  RETURN_IF_ERROR(runtime_.spend(1));
  const ScopeGuard guard(*this, runtime_.make<Scope>(0, closure));
  RETURN_IF_ERROR(bind_macro_arguments(macro, args));
  OutputCapture capture(*this);
  ASSIGN_OR_RETURN([[maybe_unused]] const Flow flow, execute(macro.body));
  return capture.take();
}

}  // namespace nacelle::chat_template
