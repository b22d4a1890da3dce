// quantity.h: amounts of the Kubernetes API, as "500m" and "1Gi".
//
// Home:    pure.
// Source:  kubernetes-api.md section 19.
#pragma once

#include "kube/object.h"

namespace nacelle::kube {

// Whether two spellings are the same amount: "1024Mi" and "1Gi". False when either is none.
[[nodiscard]] bool equal_quantities(const Json& a, const Json& b);

}  // namespace nacelle::kube
