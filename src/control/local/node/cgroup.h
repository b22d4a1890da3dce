// cgroup.h: limits of containers by cgroup v2, where this process may make groups.
//
//   <root>/pod<uid>/<container>/   memory.max, cpu.max, pids.max, memory.oom.group
//
// Home:    any thread; blocks on the kernel for microseconds.
// Errors:  detect() says in words why there are none: no cgroup v2, no controllers, no permission.
//          Limits that cannot be written are unavailable with the file and the reason.
// Source:  kernel Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "control/core/pod/pod_spec.h"

namespace nacelle::control::node {

class CgroupRoot {
 public:
  // A group of ours below the one this process is in, with memory and cpu for its children. The
  // process itself moves into a leaf beside it, since only groups without processes have children
  // with controllers.
  [[nodiscard]] static Result<CgroupRoot> detect(std::string_view name);
  // A folder that is ready for use (and for tests).
  explicit CgroupRoot(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the container's group and writes its limits; returns its folder.
  [[nodiscard]] Result<std::filesystem::path> make(const pod::PodSpec& spec,
                                                   const pod::Container& container) const;
  // Removes the pod's groups. What still runs in them keeps them.
  void remove(const std::string& uid) const;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace nacelle::control::node
