// gateway_kinds.h: the kinds that the gateway reads and no other API brings, as
// CustomResourceDefinitions: GatewayPolicy and StaticEndpoints of gateway.nacelle.dev, and llm-d's
// InferenceObjective and InferenceModelRewrite. Their fields are those of gateway/config/schemas.
//
// Home:    pure.
#pragma once

#include <vector>

#include "kube/object.h"

namespace nacelle::apps {

[[nodiscard]] std::vector<kube::Json> gateway_custom_resource_definitions();

}  // namespace nacelle::apps
