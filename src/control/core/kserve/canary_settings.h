// canary_settings.h: what a service's annotations say of trying a revision on part of the traffic.
//
//   nacelle.dev/canary-steps: "10,50"          percent of the requests, rising; absent: no canary
//   nacelle.dev/canary-step-seconds: "60"      how long each step lasts
//   nacelle.dev/canary-max-error-rate: "0.05"  a step with a larger share of failures ends it
//   nacelle.dev/canary-min-requests: "20"      a step with fewer requests says nothing of failures
//
// KServe has no field for it (kserve.md A14), and ignores the annotations.
//
// Home:    pure; values.
// Errors:  none leave: what is wrong is in the Review, by field, value and limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "control/core/field_problem.h"
#include "control/core/kserve/names.h"

namespace nacelle::control::kserve {

inline constexpr std::size_t kMostCanarySteps = 20;

struct CanarySettings {
  std::vector<std::int64_t> steps;  // percent, rising; not empty
  std::int64_t step_seconds = 60;
  double max_error_rate = 0.05;  // 0..1
  std::int64_t min_requests = 20;
};

// Nothing when `service` asks for none, and when an annotation is wrong. Warns of annotations that
// change nothing.
[[nodiscard]] std::optional<CanarySettings> parse_canary(const Json& service, Review& review);

}  // namespace nacelle::control::kserve
