// child_kinds.h: the kinds of objects that services are made of, and which of them are whose.
//
// Home:    the client's loop.
// Source:  kserve.md section A9.
#pragma once

#include <string>
#include <vector>

#include "control/kube/decision_controller.h"
#include "control/kube/shared_informers.h"

namespace nacelle::control {

inline constexpr const char* kGatewayApi = "gateway.networking.k8s.io/v1";

// What a service says of itself follows what happens to its children: while they come up much
// happens, and a moment later it is said once. Nothing waits for it but people.
inline constexpr Duration kGatherChildren = std::chrono::milliseconds(50);
[[nodiscard]] inline Notice gathered() {
  return {.when = {}, .delay = {}, .change_delay = kGatherChildren};
}

// A change of a child leads to the service of kind `owner_kind` that controls it. HTTPRoutes are
// watched by the caller, who knows whom else they concern.
void watch_children(DecisionController& unit, std::string_view owner_kind);

// Objects of all these kinds that `owner` controls.
[[nodiscard]] std::vector<Json> children_of(SharedInformers& informers, const Json& owner);

// Objects that exist under a name which the decision would apply, and which are not among
// `children` since they are not the owner's. True when there were some: then decide again.
[[nodiscard]] bool add_taken(SharedInformers& informers, const Decision& decision,
                             std::vector<Json>& children);

}  // namespace nacelle::control
