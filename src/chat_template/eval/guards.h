// guards.h: what the interpreter changes for the length of one block, put back at its end.
#pragma once

#include <utility>

#include "chat_template/eval/interpreter.h"

namespace nacelle::chat_template {

class Interpreter::ScopeGuard {
 public:
  ScopeGuard(Interpreter& interpreter, Ref<Scope> scope)
      : interpreter_(interpreter), saved_(std::exchange(interpreter.scope_, std::move(scope))) {}
  ~ScopeGuard() { interpreter_.scope_ = std::move(saved_); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Interpreter& interpreter_;
  Ref<Scope> saved_;
};

class Interpreter::CallGuard {
 public:
  explicit CallGuard(Interpreter& interpreter) : interpreter_(interpreter) {
    ++interpreter_.call_depth_;
  }
  ~CallGuard() { --interpreter_.call_depth_; }
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

  [[nodiscard]] Status check() const {
    const std::uint32_t limit = interpreter_.runtime_.limits().max_depth;
    if (interpreter_.call_depth_ <= limit) return interpreter_.runtime_.check_stack();
    return out_of_range("the chat template calls itself deeper than {} levels", limit);
  }

 private:
  Interpreter& interpreter_;
};

// Collects what is written meanwhile.
class Interpreter::OutputCapture {
 public:
  explicit OutputCapture(Interpreter& interpreter)
      : interpreter_(interpreter), saved_(std::exchange(interpreter.out_, &text_)) {}
  ~OutputCapture() { interpreter_.out_ = saved_; }
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;

  Value take() { return make_string(interpreter_.runtime_, std::move(text_)); }

 private:
  Interpreter& interpreter_;
  std::string text_;
  std::string* saved_;
};

}  // namespace nacelle::chat_template
