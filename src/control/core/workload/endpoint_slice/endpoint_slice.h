// endpoint_slice.h: a Service and the pods it selects to EndpointSlices.
//
// Pods with the same numbers behind the Service's ports share slices, of at most kMaxEndpoints. An
// endpoint stays in the slice it is in: one pod's change writes one slice.
//
// Home:    pure.
// Source:  kubernetes-api.md section 21.
#pragma once

#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::size_t kMaxEndpoints = 100;

struct EndpointSliceObserved {
  Json service;
  std::vector<Json> pods;    // of the namespace
  std::vector<Json> slices;  // of the namespace
};

[[nodiscard]] Decision decide_endpoint_slices(const EndpointSliceObserved& observed);

}  // namespace nacelle::control::workload
