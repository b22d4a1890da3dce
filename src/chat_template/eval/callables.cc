#include "chat_template/eval/callables.h"

namespace nacelle::chat_template {
namespace {

class FunctionObject final : public InstanceObject {
 public:
  FunctionObject(Runtime& runtime, std::string_view name, Function function)
      : InstanceObject(runtime), name_(name), function_(function) {}

  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(Interpreter& interpreter, const CallArgs& args) override {
    return function_(interpreter, args);
  }
  Result<std::string> repr(Runtime&, int) const override {
    return fmt::format("<function {}>", name_);
  }
  [[nodiscard]] std::string_view type_name() const override { return "function object"; }

 private:
  std::string_view name_;
  Function function_;
};

class MethodObject final : public InstanceObject {
 public:
  MethodObject(Runtime& runtime, Value self, std::string_view name, MethodFunction method)
      : InstanceObject(runtime), self_(std::move(self)), name_(name), method_(method) {}

  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(Interpreter& interpreter, const CallArgs& args) override {
    return method_(interpreter, self_, args);
  }
  Result<std::string> repr(Runtime&, int) const override {
    return fmt::format("<built-in method {}>", name_);
  }
  [[nodiscard]] std::string_view type_name() const override { return "method object"; }
  void clear() override { self_ = Value::none(); }

 private:
  Value self_;
  std::string_view name_;
  MethodFunction method_;
};

}  // namespace

Value make_function(Runtime& runtime, std::string_view name, Function function) {
  return make_instance(runtime.make<FunctionObject>(0, name, function));
}

Value make_method(Runtime& runtime, const Value& self, std::string_view name,
                  MethodFunction method) {
  return make_instance(runtime.make<MethodObject>(0, self, name, method));
}

}  // namespace nacelle::chat_template
