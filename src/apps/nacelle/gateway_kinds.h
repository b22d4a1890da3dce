// gateway_kinds.h: the kinds that the gateway reads and no other API brings, as
// CustomResourceDefinitions: GatewayPolicy and StaticEndpoints of gateway.nacelle.dev, and llm-d's
// InferenceObjective and InferenceModelRewrite. Their fields are those of gateway/config/schemas.
// Who writes a field that these say is accepted and not used is warned.
//
// Home:    pure.
#pragma once

#include <vector>

#include "kube/admission.h"
#include "kube/object.h"

namespace nacelle::apps {

[[nodiscard]] std::vector<kube::Json> gateway_custom_resource_definitions();

// Of these kinds and of Gateway API's that are read from an API: warnings, nothing is refused.
[[nodiscard]] kube::Admissions gateway_admissions();

}  // namespace nacelle::apps
