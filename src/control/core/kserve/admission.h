// admission.h: which LLMInferenceServices and configs may be stored, and what is filled in before.
//
// Every field that is accepted and then not used is a warning.
//
// Home:    pure.
// Errors:  none: what is wrong is in the Review.
// Source:  kserve.md section A5; scaling rules of A15.
#pragma once

#include "base/status.h"
#include "control/core/field_problem.h"
#include "control/core/kserve/ignored_fields.h"
#include "control/core/kserve/names.h"

namespace nacelle::control::kserve {

// model.name and the label of the routing group.
void default_service(Json& service);

// `before` is null on create. Objects that are being deleted pass.
[[nodiscard]] Review review_service(const Json& service, const Json* before,
                                    const Installation& here = {});

// `well_known`: the name is that of a preset. Templates are checked by the caller with
// check_templates() of combine.h.
[[nodiscard]] Review review_config(const Json& config, bool well_known,
                                   const Installation& here = {});

}  // namespace nacelle::control::kserve
