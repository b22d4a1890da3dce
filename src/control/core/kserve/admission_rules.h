// admission_rules.h: the rules of admission.h that hold for one workload, and for two together.
//
// Home:    pure.
// Source:  kserve.md sections A5 rules 6-8 and 10-12, A11, A15.
#pragma once

#include <string>

#include "control/core/field_problem.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

// `at` is "spec" or "spec.prefill".
void review_workload(const Workload& workload, const std::string& at, Review& review);
// Main and prefill scale by the same means.
void review_same_scaler(const Spec& spec, Review& review);
// The size of a multi-node group cannot change.
void review_sizes(const Spec& before, const Spec& now, Review& review);
// Annotations that ask for devices by claim.
void review_claims(const Json& service, Review& review);

// Of a new service of either group: its name becomes a label and begins the names of its objects.
void review_name(const Json& service, Review& review);

[[nodiscard]] bool is_resource_id(const Json& id);

}  // namespace nacelle::control::kserve
