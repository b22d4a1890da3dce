#include "control/core/pod/signal_names.h"

#include <fmt/format.h>

namespace nacelle::control::pod {
namespace {

// The place is the number (x86-64 and arm64 agree).
constexpr std::string_view kNames[] = {
    "",     "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

}  // namespace

std::optional<int> signal_number(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (std::size_t i = 1; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::string signal_name(int number) {
  if (number > 0 && static_cast<std::size_t>(number) < std::size(kNames)) {
    return fmt::format("SIG{}", kNames[static_cast<std::size_t>(number)]);
  }
  return fmt::format("signal {}", number);
}

}  // namespace nacelle::control::pod
