// after_merge.h: what is filled into a merged spec before and after its templates are rendered.
//
// Home:    pure.
// Errors:  not_found for a ConfigMap or its key, with the names and namespaces searched.
// Source:  kserve.md section A6, "After the merge".
#pragma once

#include "base/status.h"
#include "control/core/kserve/combine.h"

namespace nacelle::control::kserve {

// The pool's selector and the scheduler's account.
void before_rendering(Json& spec, const kube::ObjectKey& service);

// Device claims, gateways of the route, backends without a scheduler, the scheduler's config.
[[nodiscard]] Status after_rendering(Json& spec, const Json& service, const GlobalConfig& global,
                                     const Lookup& lookup);

}  // namespace nacelle::control::kserve
