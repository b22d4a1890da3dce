// quantity.h: whether two spellings are the same amount: "1024Mi" and "1Gi", 1 and "1000m".
//
// Home:    pure.
// Source:  kubernetes-api.md section 19, quantities.
#pragma once

#include "kube/object.h"

namespace nacelle::kube {

// False when either is no quantity.
[[nodiscard]] bool same_quantity(const Json& a, const Json& b);

}  // namespace nacelle::kube
