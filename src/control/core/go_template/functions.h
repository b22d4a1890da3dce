// functions.h: what every template can call.
//
// Home:    pure.
// Errors:  invalid_argument for types that a function does not take.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::go_template {

// Go's truth: not zero, not empty.
[[nodiscard]] bool is_true(const kube::Json& value);
// What an action prints.
[[nodiscard]] std::string printed(const kube::Json& value);

// Nothing when there is no such function. `and` and `or` take values that are already known.
[[nodiscard]] std::optional<Result<kube::Json>> call_builtin(std::string_view name,
                                                             std::span<const kube::Json> arguments);

}  // namespace nacelle::control::go_template
