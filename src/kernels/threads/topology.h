// topology.h: the CPUs that are on line, and which of them share a core, a package or a NUMA node.
//
// Errors:  none. Without /sys (a container may hide it) or with files that make no sense the
//          topology is empty, and what is not known counts as one package and one node.
// Source:  Linux Documentation/admin-guide/cputopology.rst.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "kernels/threads/cpu_list.h"

namespace nacelle::kernels {

struct Cpu {
  CpuNumber number = 0;
  // The lowest CPU of its physical core: CPUs with equal `core` are SMT siblings. The files'
  // core_id would not do: it repeats across packages, and on some machines across dies.
  CpuNumber core = 0;
  std::uint32_t package = 0;
  std::uint32_t node = 0;
  friend bool operator==(const Cpu&, const Cpu&) = default;
};

struct Topology {
  std::vector<Cpu> cpus;  // on line, by number
};

// Blocks on files of /sys only. `root` is "/" except in tests.
[[nodiscard]] Topology read_topology(const std::filesystem::path& root = "/");

}  // namespace nacelle::kernels
