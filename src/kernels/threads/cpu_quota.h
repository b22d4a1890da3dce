// cpu_quota.h: how many CPUs' worth of time the process's cgroup may use.
//
// Reads cpu.max of the group and of all its ancestors (version 2), and cpu.cfs_quota_us where the
// cpu controller is one of version 1. The smallest holds. A cpuset needs no reading: the affinity
// mask of a process lies within its cpuset already.
//
// Errors:  none: without a cgroup, or with files that make no sense, there is no quota.
// Source:  Linux Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace nacelle::kernels {

// In CPUs, e.g. 2.5; nullopt = none. Blocks on files of /proc and /sys only. `root` is "/" except
// in tests.
[[nodiscard]] std::optional<double> read_cpu_quota(const std::filesystem::path& root = "/");

// The quota in a cgroup v2 `cpu.max` file ("200000 100000" -> 2.0); nullopt for "max ..." and for
// text that is neither.
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text);

}  // namespace nacelle::kernels
