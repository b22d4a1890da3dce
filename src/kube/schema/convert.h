// convert.h: built-in kinds that are served in two forms and stored in one.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 19 (HPA v1 view) and 20 (events).
#pragma once

#include "kube/schema/kind.h"

namespace nacelle::kube::schema {

// Sets to_storage and from_storage where the kind's version is not the stored one.
void add_conversion(Kind& kind);

}  // namespace nacelle::kube::schema
