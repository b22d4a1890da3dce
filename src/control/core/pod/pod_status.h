// pod_status.h: the status of a pod as the API shows it.
//
// Home:    pure.
// Source:  kubernetes-api.md section 22.1.
#pragma once

#include <string>
#include <string_view>

#include "control/core/pod/pod_state.h"

namespace nacelle::control::pod {

enum class PodPhase : std::uint8_t { kPending, kRunning, kSucceeded, kFailed };
[[nodiscard]] std::string_view to_string(PodPhase phase);
[[nodiscard]] PodPhase phase_of(const PodSpec& spec, const PodState& state);

struct StatusContext {
  std::string host_ip;
  std::string pod_ip;  // "" until the pod has one
  // status.conditions as the API has them, or null: conditions of other writers are kept, and
  // readiness gates are read from there.
  const Json* conditions = nullptr;
};

// Brings state.conditions up to date, which remember since when, and writes everything.
[[nodiscard]] Json pod_status(const PodSpec& spec, PodState& state, const StatusContext& context,
                              WallTime now);

// The status of the condition Ready in a pod's status; "" where there is none.
[[nodiscard]] std::string ready_of(const Json& status);
// Of two statuses, each may be null.
[[nodiscard]] bool changes_readiness(const Json& before, const Json& now);

// One entry of containerStatuses or initContainerStatuses.
[[nodiscard]] Json container_status(const PodSpec& spec, const PodState& state, std::size_t index);

}  // namespace nacelle::control::pod
