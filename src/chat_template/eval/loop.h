// loop.h: the `loop` variable of a for loop, which also steps through the items.
#pragma once

#include <optional>

#include "chat_template/eval/scope.h"
#include "chat_template/syntax/ast.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

class LoopObject final : public InstanceObject {
 public:
  struct Parts {
    const ForStatement* statement;
    Ref<Scope> closure;  // where the loop stands; kept only when it is recursive
    Ref<IteratorObject> items;
    std::optional<std::size_t> length;
    std::size_t depth;  // 0 for the outermost
  };
  LoopObject(Runtime& runtime, Parts parts) : InstanceObject(runtime), parts_(std::move(parts)) {}

  // The next item; false at the end.
  Result<bool> advance(Interpreter& interpreter, Value& item);

  Result<std::optional<Value>> attribute(Interpreter& interpreter, std::string_view name) override;
  [[nodiscard]] bool is_callable() const override { return true; }
  // loop(items): runs the loop again on nested items.
  Result<Value> call(Interpreter& interpreter, const CallArgs& args) override;
  Result<std::string> repr(Runtime& runtime, int depth) const override;
  [[nodiscard]] std::string_view type_name() const override {
    return "jinja2.runtime.LoopContext object";
  }

  // loop.cycle(...) and loop.changed(...).
  Result<Value> cycle(const CallArgs& args) const;
  Result<Value> changed(Interpreter& interpreter, const CallArgs& args);

 private:
  // Whether there is a next item, which is then in `after_`.
  Result<bool> peek(Interpreter& interpreter);
  Result<Int> find_length(Interpreter& interpreter);

  Parts parts_;
  Int index0_ = -1;
  Value current_, before_;
  std::optional<Value> after_;
  std::optional<Value> last_changed_;  // a tuple
};

// The loop over `items`, filtered by the statement's `if`.
Result<Ref<LoopObject>> make_loop(Runtime& runtime, const ForStatement& statement,
                                  const Ref<Scope>& closure, const Value& items, std::size_t depth);

}  // namespace nacelle::chat_template
