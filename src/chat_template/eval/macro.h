// macro.h: a macro, or the body of a call block, as a value.
#pragma once

#include "chat_template/eval/interpreter.h"

namespace nacelle::chat_template {

class MacroObject final : public InstanceObject {
 public:
  // `definition` is part of the syntax tree and outlives the rendering.
  MacroObject(Runtime& runtime, const MacroDefinition& definition, Ref<Scope> closure)
      : InstanceObject(runtime), definition_(definition), closure_(std::move(closure)) {}

  Result<std::optional<Value>> attribute(Interpreter& interpreter, std::string_view name) override;
  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(Interpreter& interpreter, const CallArgs& args) override {
    return interpreter.run_macro(definition_, closure_, args);
  }
  Result<std::string> repr(Runtime& runtime, int depth) const override;
  [[nodiscard]] std::string_view type_name() const override {
    return "jinja2.runtime.Macro object";
  }
  void clear() override { closure_ = Ref<Scope>(); }

 private:
  const MacroDefinition& definition_;
  Ref<Scope> closure_;
};

}  // namespace nacelle::chat_template
