// remove.h: `nacelle delete`: objects by name, by label, or those of files; waits until they are
// gone.
//
// Home:    the client's loop.
// Errors:  told on the terminal; the answer is the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/kube/cluster.h"
#include "cli/kube/manifest.h"
#include "cli/kube/terminal.h"

namespace nacelle::cli {

struct RemoveOptions {
  std::vector<std::string> words;
  std::vector<ManifestObject> objects;  // of -f; the last one goes first
  std::string label_selector;
  bool all = false;
  bool wait = true;
  bool ignore_not_found = false;
  bool dry_run = false;
  std::optional<int> grace_seconds;
  kube::Propagation propagation = kube::Propagation::kBackground;
  Duration timeout{};  // of the wait; 0 is none
};

[[nodiscard]] async::Task<int> remove(Cluster& cluster, RemoveOptions options,
                                      const Terminal& terminal);

}  // namespace nacelle::cli
