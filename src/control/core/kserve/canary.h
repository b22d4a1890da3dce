// canary.h: a new revision of a service gets part of the requests first, then all of them or none.
//
//   settled ──other template──► starting ──ready──► step 1 ──time──► ... ──time──► promoting ──►
//   settled
//                                  │                  │                            (rolling update)
//                                  └── not ready, crash loop, too many errors ──► rolled back
//
// While a canary runs, the service's workloads keep the pod template that they have: it is
// remembered nowhere else. The step and its beginning stand in annotations of the canary's
// workload, how the last revision ended in one of the service's status. Each decision is made
// from those alone, so a crash after any write ends in the same place.
//
// Objects of a canary go after every gateway has taken the route that no longer sends to them, and
// after the status says how it ended: a revision that failed is not tried a second time.
//
// Home:    pure.
// Errors:  none: the condition CanaryReady says what is in the way, and the update is a plain one
//          where a canary cannot be (no route of its own, a traffic group).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "control/core/kserve/decide.h"
#include "kube/conditions.h"

namespace nacelle::control::kserve {

// In status.annotations: "RolledBack/<revision>" or "Promoted/<revision>".
inline constexpr std::string_view kCanaryOutcome = "nacelle.dev/canary-outcome";

struct CanaryPlan {
  std::vector<Target> keep;         // not wanted any more, not to be deleted yet
  std::vector<RecordEvent> events;  // told with the status that they come with
  std::optional<std::chrono::seconds> look_again_in;
};

// Makes of `wanted`, the objects of a plain update, those of this moment, and sets the condition
// CanaryReady and the outcome in `status`. `why_not`: what only the caller knows to be in the way.
[[nodiscard]] CanaryPlan plan_canary(const Owner& owner, const Observed& observed,
                                     std::vector<Json>& wanted, Json& status,
                                     kube::Conditions& conditions, std::string_view why_not = "");

// A canary has objects: what gateways and controllers have not looked at yet is its doing.
[[nodiscard]] bool has_canary(const Owner& owner, const Observed& observed);

}  // namespace nacelle::control::kserve
