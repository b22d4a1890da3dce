// pod.h: what the status of a pod says of serving, and what its spec may hold.
//
// Home:    pure; any thread.
// Source:  kubernetes-api.md section 22.1; router.md section 13.4.
#pragma once

#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::kube {

// Its condition Ready is True and nobody has deleted it.
[[nodiscard]] bool is_ready(const Json& pod);

// Removes fields that a PodSpec does not have, which an API would refuse to apply; their paths:
// "containers[0].zzz".
std::vector<std::string> remove_unknown_pod_fields(Json& pod_spec);

}  // namespace nacelle::kube
