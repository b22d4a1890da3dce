// mount_tree.h: a root for one container: the host's, with the container's volumes at their paths.
//
// In a mount namespace of its own, a small tmpfs becomes the root and every entry of the host's
// root is bound into it. A mount path that does not exist on the host gets its folder there, never
// on the host's own disk: the nearest folder that does exist is replaced by a tmpfs with the same
// entries first. This is no wall between container and host; it only puts files where programs look
// for them.
//
// Home:    a process of one thread that is about to exec (the child of a container's shim).
// Errors:  unavailable naming the step and the system's reason.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/local/node/container_plan.h"

namespace nacelle::control::node {

// After it the process sees the new root. `staging` is an empty folder.
[[nodiscard]] Status enter_mount_tree(MountMode mode, const std::string& staging,
                                      std::vector<BindMount> mounts);

// What this process may do: tried in a child of its own. Threads are allowed.
[[nodiscard]] MountMode best_mount_mode();

}  // namespace nacelle::control::node
