// affinity.h: which CPUs the system lets this process use, and keeping a thread on one of them.
//
// Errors:  none; what the system refuses is left as it is.
#pragma once

#include "kernels/threads/cpu_list.h"

namespace nacelle::kernels {

// Never empty: the first hardware_concurrency() CPUs where the system does not say.
[[nodiscard]] CpuList allowed_cpus();

// False when the system refuses, e.g. because the cpuset has changed since the CPU was chosen.
bool bind_this_thread(CpuNumber cpu);

}  // namespace nacelle::kernels
