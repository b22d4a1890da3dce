// snapshot.h: a configuration as it runs: routes compiled, clusters with their state.
//
// Each loop holds the newest one, each request the one it began with: a reload changes what the
// next request does and nothing of those in hand. Clusters whose configuration did not change move
// over with their state.
//
// Home:    immutable but for the clusters' own thread-safe parts; shared_ptr<const Snapshot>.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "gateway/config/model.h"
#include "gateway/extension.h"
#include "gateway/gateway_metrics.h"
#include "gateway/observe/access_log.h"
#include "gateway/picker.h"
#include "gateway/route/port_table.h"
#include "gateway/tls.h"
#include "gateway/upstream/breaker.h"

namespace nacelle::gateway {

struct Cluster {
  using Tls = std::shared_ptr<const net::TlsClientContext>;

  Cluster(ClusterConfig c, std::shared_ptr<EndpointPicker> p, Tls t, GatewayMetrics& m)
      : config(std::move(c)),
        picker(std::move(p)),
        tls(std::move(t)),
        breaker(config.traffic.breaker),
        metrics(m.cluster(config.name)) {}

  const ClusterConfig config;
  const std::shared_ptr<EndpointPicker> picker;
  const Tls tls;  // null without
  Breaker breaker;
  ClusterMetrics& metrics;
};

struct RuleRuntime {
  const RuleConfig* config = nullptr;
  RetryConfig retry;                  // the rule's, or the default of its kind
  std::vector<std::uint32_t> levels;  // priorities that occur, ascending
  RouteMetrics* metrics = nullptr;
};

struct PortRuntime {
  std::uint32_t id = 0;  // of the server, over all snapshots
  const PortConfig* config = nullptr;
  PortTable table;
};

struct Snapshot {
  std::uint64_t generation = 0;
  GatewayModel model;
  std::vector<std::shared_ptr<Cluster>> clusters;  // as model.clusters
  std::vector<RuleRuntime> rules;                  // as model.rules
  std::vector<PortRuntime> ports;                  // as model.ports
  std::shared_ptr<AccessLog> access_log;           // may be null

  // At least one cluster has an endpoint that is believed to serve, or there is no cluster.
  [[nodiscard]] bool any_serving() const;
  // nullptr when the port is not in this configuration any more.
  [[nodiscard]] const PortRuntime* port(std::uint32_t id) const {
    for (const PortRuntime& port : ports)
      if (port.id == id) return &port;
    return nullptr;
  }
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Makes the picker of a cluster. Errors refuse the configuration.
using PickerFactory = std::function<Result<std::shared_ptr<EndpointPicker>>(const ClusterConfig&)>;

// `before` may be null; its clusters are used again where they are equal.
[[nodiscard]] Result<std::shared_ptr<Snapshot>> make_snapshot(GatewayModel model,
                                                              const PickerFactory& pickers,
                                                              GatewayMetrics& metrics,
                                                              const Snapshot* before);

}  // namespace nacelle::gateway
