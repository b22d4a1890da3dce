// pod.h: what the status of a pod says of serving.
//
// Home:    pure; any thread.
// Source:  kubernetes-api.md section 22.1; router.md section 13.4.
#pragma once

#include "kube/object.h"

namespace nacelle::kube {

// Its condition Ready is True and nobody has deleted it.
[[nodiscard]] bool is_ready(const Json& pod);

}  // namespace nacelle::kube
