#include "chat_template/eval/call_args.h"

#include <algorithm>
#include <limits>

#include "chat_template/value/compare.h"

namespace nacelle::chat_template {

bool BoundArgs::flag(std::size_t i, bool fallback) const {
  return has(i) ? is_true(*values_[i]) : fallback;
}

Result<Int> BoundArgs::integer(std::size_t i, Int fallback) const {
  if (!has(i)) return fallback;
  return to_integer("the argument", *values_[i]);
}

Result<BoundArgs> bind(std::string_view function, const CallArgs& args,
                       std::initializer_list<std::string_view> parameters, std::size_t required) {
  CHECK(parameters.size() <= BoundArgs::kMaxParameters);
  BoundArgs bound;
  if (args.positional.size() > parameters.size()) {
    return invalid_argument("{} takes at most {} arguments, got {}", function, parameters.size(),
                            args.positional.size());
  }
  for (std::size_t i = 0; i < args.positional.size(); ++i) bound.values_[i] = &args.positional[i];
  for (const auto& [name, value] : args.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      return invalid_argument("{} has no parameter '{}'", function, name);
    }
    const Value*& slot = bound.values_[static_cast<std::size_t>(found - parameters.begin())];
    if (slot != nullptr) return invalid_argument("{} got '{}' twice", function, name);
    slot = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!bound.has(i)) {
      return invalid_argument("{} needs the argument '{}'", function, parameters.begin()[i]);
    }
  }
  return bound;
}

Result<BoundArgs> bind_positions(std::string_view function, const CallArgs& args,
                                 std::initializer_list<std::string_view> parameters,
                                 std::size_t required) {
  if (!args.named.empty()) {
    return invalid_argument("{}() takes no keyword arguments", function);
  }
  return bind(function, args, parameters, required);
}

Result<Int> to_integer(std::string_view what, const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_integral()) {
    return invalid_argument("{} must be an integer, not '{}'", what, kind_name(value));
  }
  return value.as_int();
}

Result<long> to_long(std::string_view what, const Value& value) {
  ASSIGN_OR_RETURN(const Int number, to_integer(what, value));
  if (number > std::numeric_limits<long>::max() || number < std::numeric_limits<long>::min()) {
    return out_of_range("{} is too large", what);
  }
  return static_cast<long>(number);
}

Result<std::string_view> to_string_view(std::string_view what, const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_string()) {
    return invalid_argument("{} must be text, not '{}'", what, kind_name(value));
  }
  return std::string_view(value.text());
}

}  // namespace nacelle::chat_template
