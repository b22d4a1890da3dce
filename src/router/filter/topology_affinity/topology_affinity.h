// topology_affinity.h: keeps endpoints at least so close to the one that another stage chose; all
// when none is.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/scorer/topology_affinity/topology.h"

namespace nacelle::router {

class TopologyAffinityFilter final : public Plugin, public Filter {
 public:
  TopologyAffinityFilter(Proximity at_least, TopologyLabels labels)
      : at_least_(at_least), labels_(std::move(labels)) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  Proximity at_least_;
  TopologyLabels labels_;
};

}  // namespace nacelle::router
