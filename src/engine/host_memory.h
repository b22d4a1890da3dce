// host_memory.h: reads what memory this process may use.
//
// The machine's figures (/proc/meminfo), lowered to the limits of the process's cgroup and all its
// ancestors (version 2; the memory.max of a container), and the resident size of the process. Pages
// of mapped files (packed weights that replicas share) count as used, not as cache to be given up.
//
// Errors:  unavailable when /proc cannot be read or makes no sense. A missing cgroup is no error.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/memory.h"

namespace nacelle::engine {

// Blocks on files of /proc and /sys only. `root` is "/" except in tests.
[[nodiscard]] Result<HostMemory> read_host_memory(const std::filesystem::path& root = "/");

}  // namespace nacelle::engine
