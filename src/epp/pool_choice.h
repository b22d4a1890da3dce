// pool_choice.h: which pool a stream of the proxy is for, when one process serves several.
//
// Asked in this order:
//   1. the gRPC metadata `x-gateway-inference-pool`: "namespace/name", or "name" when that is
//      unambiguous. Envoy sends it with `grpc_service.initial_metadata`, or per route with the
//      override `grpc_initial_metadata`. It comes from the proxy's configuration: a client's header
//      of that name is no metadata of the stream.
//   2. `:authority`, by the Service of the pool's endpointPickerRef: "svc", "svc.ns",
//      "svc.ns.svc.cluster.local:9002", or Istio's "outbound|9002||svc.ns.svc.cluster.local". Pools
//      that share one picker have a Service each; a pool without a Service answers to its name.
//   3. the only pool there is.
//
// Home:    pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::epp {

inline constexpr std::string_view kPoolMetadata = "x-gateway-inference-pool";

struct PoolName {
  kube::ObjectKey key;
  std::string service;  // "": the pool's own name
};

// The position in `pools`; nullopt when none or more than one fits.
[[nodiscard]] std::optional<std::size_t> choose_pool(std::span<const PoolName> pools,
                                                     std::string_view metadata,
                                                     std::string_view authority);

}  // namespace nacelle::epp
