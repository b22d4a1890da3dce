// signal_names.h: Linux signals by number and name, the same on every machine we run on.
//
// Home:    pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::control::pod {

// "SIGTERM" or "TERM" to 15; nullopt for other text.
[[nodiscard]] std::optional<int> signal_number(std::string_view name);
// 9 to "SIGKILL"; "signal 40" where there is no name.
[[nodiscard]] std::string signal_name(int number);

}  // namespace nacelle::control::pod
