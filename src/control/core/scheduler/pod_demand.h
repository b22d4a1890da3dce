// pod_demand.h: what a pod asks of the node that is to run it.
//
// Home:    pure.
// Errors:  invalid_argument for a pod that no node agent could read either.
// Source:  kubernetes-api.md sections 19 and 21.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/core/pod/pod_spec.h"
#include "control/core/scheduler/node_affinity.h"
#include "control/core/scheduler/pod_affinity.h"
#include "control/core/taints.h"
#include "kube/object.h"

namespace nacelle::control::scheduler {

struct PodDemand {
  kube::ObjectKey key;
  std::string uid;
  std::string owner;  // uid of what controls it; "" = nothing
  std::int64_t priority = 0;
  std::string created;
  pod::Resources requests;
  pod::StringMap node_selector;
  std::optional<NodeTerms> required;                         // node affinity
  std::vector<std::pair<std::int64_t, NodeTerm>> preferred;  // with weights
  PodRelations relations;                                    // to other pods
  std::vector<Toleration> tolerations;
  std::vector<NodeTerms> volumes;  // of each volume that is not everywhere
  // Claims that are bound once they know the pod's node.
  std::vector<std::string> claims_to_place;
  std::string selected_node;  // that one of them was told: kept for as long as it will do
  std::string waits_for;      // why no node will do yet: a claim that is not bound
};

[[nodiscard]] Result<PodDemand> pod_demand(const kube::Json& pod);

// A claim as the API has it, the volume behind it, its class; null where there is none.
struct ClaimLookup {
  std::function<const kube::Json*(std::string_view name_space, std::string_view name)> claim;
  std::function<const kube::Json*(std::string_view name)> volume;
  std::function<const kube::Json*(std::string_view name)> storage_class;
};
// The node that a claim's volume is to be on, as an annotation of the claim.
inline constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";

// Fills `volumes`, `claims_to_place`, `selected_node` and `waits_for` from the pod's claims.
void add_claims(const kube::Json& pod, const ClaimLookup& lookup, PodDemand& to);

// Ours to place: bound to no node, not deleted, without gates, for `scheduler`.
[[nodiscard]] bool waits_for_node(const kube::Json& pod, std::string_view scheduler);

// Holds its node's resources: bound, and not at its end.
[[nodiscard]] bool holds_node(const kube::Json& pod);

// Higher priority first, then who came first, then by name.
[[nodiscard]] bool goes_before(const PodDemand& a, const PodDemand& b);

}  // namespace nacelle::control::scheduler
