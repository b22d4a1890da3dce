// logs.h: `nacelle logs`: what a container wrote, and what it writes.
//
// Home:    the cluster's loop.
// Errors:  told on the terminal; the answer is the exit code.
// Source:  kubernetes-api.md section 23.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/kube/cluster.h"
#include "cli/kube/terminal.h"

namespace nacelle::cli {

struct LogsOptions {
  std::string pod;        // "web-0" or "pod/web-0"
  std::string container;  // "": the pod's default, else its first
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<std::int64_t> tail, since_seconds;
};

[[nodiscard]] async::Task<int> logs(Cluster& cluster, LogsOptions options,
                                    const Terminal& terminal);

}  // namespace nacelle::cli
