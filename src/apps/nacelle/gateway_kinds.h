// gateway_kinds.h: the kinds of gateway.nacelle.dev as CustomResourceDefinitions.
//
// The gateway reads them strictly itself and says in a log and in conditions what it does not
// understand; the API checks their outline only.
//
// Home:    pure.
#pragma once

#include <vector>

#include "kube/object.h"

namespace nacelle::apps {

[[nodiscard]] std::vector<kube::Json> gateway_custom_resource_definitions();

}  // namespace nacelle::apps
