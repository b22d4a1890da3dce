// resource_names.h: where the API keeps objects of a kind: "HTTPRoute" in "httproutes".
//
// By the rule that Kubernetes' own plurals follow, so that no table of kinds is needed.
//
// Home:    pure.
// Source:  kubernetes-api.md section 7.
#pragma once

#include <string>
#include <string_view>

#include "control/core/decision.h"
#include "kube/resource.h"

namespace nacelle::control {

// "deployments", "ingresses", "networkpolicies", "gateways".
[[nodiscard]] std::string plural_of(std::string_view kind);
// `api_version` is "v1" or "apps/v1".
[[nodiscard]] kube::Resource resource_of(std::string_view api_version, std::string_view kind);
[[nodiscard]] kube::ObjectRef ref_of(const Target& target, std::string subresource = {});

}  // namespace nacelle::control
