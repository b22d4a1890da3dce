// call_args.h: the arguments of a call, and binding them to parameter names.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

struct NamedArg {
  std::string name;
  Value value;
};

struct CallArgs {
  std::vector<Value> positional;
  std::vector<NamedArg> named;
};

// The arguments of one call by parameter; null where none was given.
class BoundArgs {
 public:
  static constexpr std::size_t kMaxParameters = 6;

  [[nodiscard]] bool has(std::size_t i) const { return values_[i] != nullptr; }
  const Value& operator[](std::size_t i) const { return *values_[i]; }
  [[nodiscard]] Value get(std::size_t i, Value fallback) const {
    return has(i) ? *values_[i] : std::move(fallback);
  }
  [[nodiscard]] bool flag(std::size_t i, bool fallback) const;
  // invalid_argument when given and not an integer.
  Result<Int> integer(std::size_t i, Int fallback) const;

 private:
  friend Result<BoundArgs> bind(std::string_view, const CallArgs&,
                                std::initializer_list<std::string_view>, std::size_t);
  std::array<const Value*, kMaxParameters> values_{};
};

// Binds as Python does: positions first, then names. The first `required` parameters must be given.
// The result points into `args`. invalid_argument for what is missing, unknown or given twice.
Result<BoundArgs> bind(std::string_view function, const CallArgs& args,
                       std::initializer_list<std::string_view> parameters, std::size_t required);

// The same for functions whose parameters have no names, as most methods in Python.
Result<BoundArgs> bind_positions(std::string_view function, const CallArgs& args,
                                 std::initializer_list<std::string_view> parameters,
                                 std::size_t required);

// invalid_argument unless the value is an integer (or a boolean).
Result<Int> to_integer(std::string_view what, const Value& value);
// The same, limited to what a `long` holds.
Result<long> to_long(std::string_view what, const Value& value);
// invalid_argument unless the value is text.
Result<std::string_view> to_string_view(std::string_view what, const Value& value);

}  // namespace nacelle::chat_template
