// topology_affinity.h: prefers endpoints close to the one that another stage chose.
//
//   same host 1.0, rack 0.20, zone 0.05, region 0.02, else 0
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/scorer/topology_affinity/topology.h"

namespace nacelle::router {

class TopologyAffinityScorer final : public Plugin, public Scorer {
 public:
  explicit TopologyAffinityScorer(TopologyLabels labels) : labels_(std::move(labels)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  TopologyLabels labels_;
};

}  // namespace nacelle::router
