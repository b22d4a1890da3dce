// process_table.h: what the processes of this machine use, read of /proc in one pass.
//
// CPU time is a process's own and that of the children it has waited for, so that a tree's total
// goes on when a part of it ends: orphans of a container become its shim's children, which waits
// for them. Memory is what is resident; pages that processes share count in each of them.
//
// Home:    a value; read() on any thread, blocks for some microseconds per process.
// Errors:  processes that end while they are read are left out.
// Source:  proc_pid_stat(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/core/pod/time_text.h"

namespace nacelle::control::node {

class ProcessTable {
 public:
  struct Process {
    pid_t parent = 0;
    std::int64_t cpu_ns = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t started_ns = 0;  // since boot
  };
  struct Use {
    std::int64_t cpu_ns = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t started_ns = 0;  // of the root, since boot
  };

  ProcessTable(std::int64_t boot_ns, pod::WallTime wall) : boot_ns_(boot_ns), wall_(wall) {}
  [[nodiscard]] static ProcessTable read(const std::filesystem::path& proc = "/proc");
  // The text of a `stat` file; nullopt when it is none.
  [[nodiscard]] static std::optional<Process> parse(std::string_view stat);

  void add(pid_t pid, const Process& process);
  // Of a process and all below it; nullopt when it is gone.
  [[nodiscard]] std::optional<Use> tree(pid_t root) const;

  // When it was read.
  [[nodiscard]] std::int64_t boot_ns() const { return boot_ns_; }
  [[nodiscard]] pod::WallTime wall() const { return wall_; }

 private:
  std::int64_t boot_ns_;
  pod::WallTime wall_;
  std::unordered_map<pid_t, Process> processes_;
  std::unordered_map<pid_t, std::vector<pid_t>> children_;
};

}  // namespace nacelle::control::node
