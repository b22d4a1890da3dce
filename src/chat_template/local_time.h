// local_time.h: wall clock time of some zone, without the zone, as Python's datetime.now() has it.
#pragma once

#include <chrono>

namespace nacelle::chat_template {

using LocalTime = std::chrono::local_time<std::chrono::microseconds>;

// The machine's wall clock in its own time zone.
[[nodiscard]] LocalTime local_now();

}  // namespace nacelle::chat_template
