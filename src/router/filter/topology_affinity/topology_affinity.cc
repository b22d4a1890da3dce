#include "router/filter/topology_affinity/topology_affinity.h"

#include "router/config/data_layer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> TopologyAffinityFilter::make(Fields& fields, BuildContext& context) {
  Proximity at_least = Proximity::kHost;
  fields.choice("minAffinity", at_least,
                {{"host", Proximity::kHost},
                 {"rack", Proximity::kRack},
                 {"zone", Proximity::kZone},
                 {"region", Proximity::kRegion}});
  return std::make_shared<TopologyAffinityFilter>(
      at_least,
      context.producer<TopologyExtractor>(fields, "topologyProducerName", "topology-extractor")
          .labels());
}

void TopologyAffinityFilter::filter(const PickContext& context, Candidates& candidates) const {
  const auto peer = peer_of(context);
  if (!peer) return;
  candidates.keep_if_any([&](std::uint32_t position) {
    return proximity(labels_, context.endpoint(*peer), context.endpoint(position)) >= at_least_;
  });
}

}  // namespace nacelle::router
