// topology.h: what the pods that are there mean for one that is to be placed.
//
// Home:    pure; one per placement, borrows the pod and the nodes.
// Source:  the plugins InterPodAffinity and PodTopologySpread of kube-scheduler (their messages).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/core/scheduler/place.h"

namespace nacelle::control::scheduler {

class Topology {
 public:
  Topology(const PodDemand& pod, std::span<const NodeOffer> nodes);

  // Why the pod may not be there.
  [[nodiscard]] std::optional<std::string> refusal(const NodeOffer& node) const;

  // More is better: preferences that would be met there, less those that would not, and evenness.
  [[nodiscard]] std::int64_t preference(const NodeOffer& node) const;

 private:
  using Domain = std::pair<std::string, std::string>;  // topology key and value

  void see(const NodeOffer& node, const PodRelations& there);
  void count_domains(std::span<const NodeOffer> nodes);
  [[nodiscard]] bool is_near(const NodeOffer& node, std::size_t term) const;
  [[nodiscard]] bool is_even(const NodeOffer& node, std::size_t constraint) const;

  const PodDemand& pod_;
  std::set<Domain> apart_;                    // the pod keeps away from these
  std::set<Domain> kept_out_;                 // pods there keep it away
  std::vector<std::set<std::string>> near_;   // per term: values with such pods
  std::map<Domain, std::int64_t> preferred_;  // sum of weights
  // Per spread constraint: pods by value of its key, of nodes that the pod may be on at all.
  std::vector<std::map<std::string, std::int64_t>> spread_;
};

}  // namespace nacelle::control::scheduler
