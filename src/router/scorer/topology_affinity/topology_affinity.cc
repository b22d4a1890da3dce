#include "router/scorer/topology_affinity/topology_affinity.h"

#include "router/config/data_layer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> TopologyAffinityScorer::make(Fields& fields, BuildContext& context) {
  return std::make_shared<TopologyAffinityScorer>(
      context.producer<TopologyExtractor>(fields, "topologyProducerName", "topology-extractor")
          .labels());
}

void TopologyAffinityScorer::score(const PickContext& context, const Candidates& candidates,
                                   std::span<double> scores) const {
  const auto peer = peer_of(context);
  if (!peer) return;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    switch (proximity(labels_, context.endpoint(*peer), context.endpoint(candidates[i]))) {
      case Proximity::kHost:
        scores[i] = 1.0;
        break;
      case Proximity::kRack:
        scores[i] = 0.20;
        break;
      case Proximity::kZone:
        scores[i] = 0.05;
        break;
      case Proximity::kRegion:
        scores[i] = 0.02;
        break;
      case Proximity::kNone:
        break;
    }
  }
}

}  // namespace nacelle::router
