// place.h: which node runs a pod.
//
// First the nodes that may: not lost, not cordoned, taints tolerated, selector and affinity, the
// nodes of its volumes, affinity to pods that are there and even spread, room for one more pod and
// for every resource it requests, accelerators among them. Of those the best by points: few pods of
// the same owner there, preferences of the pod, much left over. Equal points: the first by name.
// The same input always has the same answer.
//
//   Placement at = place(demand, offers);
//   if (at.node.empty()) tell(at.why);   "0/3 nodes are available: 2 Insufficient memory, 1 node
//   was lost"
//
// Not here: preemption, ports of the host.
//
// Home:    pure. O(nodes × resources + pods × terms).
// Source:  kubernetes-api.md section 21; the default plugins of kube-scheduler and their weights.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "control/core/scheduler/pod_demand.h"

namespace nacelle::control::scheduler {

struct NodeOffer {
  std::string name;
  pod::StringMap labels;
  std::vector<Taint> taints;
  bool unschedulable = false;  // spec: cordoned
  pod::Resources allocatable;
  // Of the pods that hold it.
  pod::Resources used;
  std::size_t pods = 0;
  std::map<std::string, std::size_t> by_owner;
  std::vector<std::shared_ptr<const PodDemand>> placed;

  void take(std::shared_ptr<const PodDemand> pod);
};

// Without the pods.
[[nodiscard]] NodeOffer node_offer(const kube::Json& node);

// Its node selector and required node affinity.
[[nodiscard]] bool is_selected(const PodDemand& pod, const NodeOffer& node);

// Why this node may not run it, other pods aside; empty when it may.
[[nodiscard]] std::vector<std::string> refusals(const PodDemand& pod, const NodeOffer& node);

struct Placement {
  std::string node;  // "" = none
  std::string why;   // there is none
};

// `nodes` in the order of their names.
[[nodiscard]] Placement place(const PodDemand& pod, std::span<const NodeOffer> nodes);

}  // namespace nacelle::control::scheduler
