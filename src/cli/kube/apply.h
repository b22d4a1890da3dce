// apply.h: `nacelle apply`: server-side apply of what files hold.
//
// Namespaces go first, then custom resource definitions, each until the server serves it, then the
// rest. An object that fails does not keep the others from being applied.
//
// Home:    the client's loop.
// Errors:  told on the terminal; the answer is the exit code.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/kube/cluster.h"
#include "cli/kube/manifest.h"
#include "cli/kube/terminal.h"

namespace nacelle::cli {

struct ApplyOptions {
  bool name_space_given = false;  // -n: objects of another namespace are refused
  bool dry_run = false;
  bool force_conflicts = false;
  bool strict = true;  // unknown fields are errors
  Duration kinds_within = std::chrono::seconds(30);
};

[[nodiscard]] async::Task<int> apply(Cluster& cluster, std::vector<ManifestObject> objects,
                                     ApplyOptions options, const Terminal& terminal);

}  // namespace nacelle::cli
