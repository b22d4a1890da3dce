#include "router/scorer/topology_affinity/topology.h"

namespace nacelle::router {

Proximity proximity(const TopologyLabels& labels, const EndpointSnapshot& a,
                    const EndpointSnapshot& b) {
  const auto same = [&](const std::string& key) {
    const std::string* x = a.label(key);
    const std::string* y = b.label(key);
    return x != nullptr && y != nullptr && *x == *y;
  };
  if (same(labels.host)) return Proximity::kHost;
  if (same(labels.rack)) return Proximity::kRack;
  if (same(labels.zone)) return Proximity::kZone;
  if (same(labels.region)) return Proximity::kRegion;
  return Proximity::kNone;
}

std::optional<std::uint32_t> peer_of(const PickContext& context) {
  for (const ProfileResult& result : context.decision.results) {
    if (result.done()) return result.targets.front().position;
  }
  return std::nullopt;
}

}  // namespace nacelle::router
