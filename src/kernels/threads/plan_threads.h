// plan_threads.h: reads the machine and decides on the kernels' threads.
//
// Errors:  as choose_cpus().
#pragma once

#include <cstddef>

#include "kernels/threads/choose_cpus.h"

namespace nacelle::kernels {

// Blocks on files of /proc and /sys.
[[nodiscard]] Result<ThreadPlan> plan_threads(const ThreadRequest& request = {});

// Threads worth starting where nobody asks for a number.
[[nodiscard]] std::size_t threads_for_this_process();

}  // namespace nacelle::kernels
