// topology.h: how close two endpoints stand, by the labels of their nodes.
//
// Home:    pure.
// Source:  router.md sections 9.1, 9.2, 9.6 (`topology-extractor`) and 13.5.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "router/candidate.h"

namespace nacelle::router {

enum class Proximity { kNone, kRegion, kZone, kRack, kHost };

struct TopologyLabels {
  std::string host = "kubernetes.io/hostname";
  std::string rack = "topology.kubernetes.io/rack";
  std::string zone = "topology.kubernetes.io/zone";
  std::string region = "topology.kubernetes.io/region";
};

[[nodiscard]] Proximity proximity(const TopologyLabels& labels, const EndpointSnapshot& a,
                                  const EndpointSnapshot& b);

// The endpoint that another profile of this cycle chose; nullopt in the first profile.
[[nodiscard]] std::optional<std::uint32_t> peer_of(const PickContext& context);

}  // namespace nacelle::router
