// thread_options.h: what an operator says about kernel threads: --threads and the variables that
// vLLM's CPU backend reads.
//
//   VLLM_CPU_OMP_THREADS_BIND   auto | nobind | CPUs ("0-31", "0-31|32-63": the first part is ours)
//   VLLM_CPU_NUM_OF_RESERVED_CPU   with auto: cores left to others
//   CPU_VISIBLE_MEMORY_NODES       with auto: the NUMA nodes used
//
// Errors:  invalid_argument naming the flag or variable, its value and what it accepts.
// Source:  engine.md section 2.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/flags/flag_values.h"
#include "kernels/threads/choose_cpus.h"

namespace nacelle::apps {

[[nodiscard]] Result<kernels::ThreadRequest> resolve_thread_options(
    const cli::FlagValues& flags,
    const std::function<std::optional<std::string>(const char*)>& environment);

}  // namespace nacelle::apps
