// container_plan.h: what a container's shim is told, as a file.
//
// The node agent writes it, the shim reads it. Beside it lie what the shim tells back: run.json
// while the container runs, exit.json once it ended.
//
// Home:    pure values; reading and writing on any thread.
// Errors:  the file's; data_loss when it contradicts itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/local/spawn.h"

namespace nacelle::control::node {

// How a container gets its volumes at its mount paths.
enum class MountMode : std::uint8_t {
  kTranslate,  // it does not: paths in its command and environment are replaced
  kPrivate,    // a mount namespace of its own
  kUser,       // the same inside a user namespace, for agents without root
};
[[nodiscard]] std::string_view to_string(MountMode mode);
[[nodiscard]] MountMode mount_mode_of(std::string_view text);

struct BindMount {
  std::string source;  // on the host
  std::string target;  // absolute, in the container
  bool read_only = false;
};

struct ContainerPlan {
  std::vector<std::string> argv;         // argv[0] may be a name: looked up in PATH of environment
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_dir;
  std::string log_file;
  std::uint64_t log_bytes = 10 << 20;  // per file
  int log_files = 5;
  std::string cgroup;  // folder to run in; "" = none
  std::optional<ProcessIdentity> identity;
  MountMode mount_mode = MountMode::kTranslate;
  std::vector<BindMount> mounts;
  std::string root;          // empty folder where the container's root is put together
  std::string range_holder;  // held by the shim (local/range_claim.h); "" = nothing

  [[nodiscard]] Status write(const std::filesystem::path& file) const;
  [[nodiscard]] static Result<ContainerPlan> read(const std::filesystem::path& file);
};

// run.json: who runs.
struct RunRecord {
  pid_t shim = 0;
  std::uint64_t shim_started = 0;  // clock ticks since boot
  pid_t pid = 0;                   // of the container's process
  std::uint64_t pid_started = 0;
  std::string boot;  // boot id of the kernel: pids of another boot mean nothing

  [[nodiscard]] Status write(const std::filesystem::path& file) const;
  [[nodiscard]] static Result<RunRecord> read(const std::filesystem::path& file);
};

// exit.json: how it ended.
struct ExitRecord {
  int code = 0;
  int signal = 0;
  bool out_of_memory = false;
  std::int64_t finished_ns = 0;  // wall clock, since 1970

  [[nodiscard]] Status write(const std::filesystem::path& file) const;
  [[nodiscard]] static Result<ExitRecord> read(const std::filesystem::path& file);
};

// /proc/sys/kernel/random/boot_id, "" where there is none.
[[nodiscard]] std::string boot_id();

}  // namespace nacelle::control::node
