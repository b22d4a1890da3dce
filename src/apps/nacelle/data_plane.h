// data_plane.h: the gateway with a router of its own for every pool; used by `gateway` and `up`.
//
// Home:    bind() and apply() from any thread, one at a time; drain() on loop 0.
#pragma once

#include <atomic>
#include <memory>

#include "apps/nacelle/router_picker.h"
#include "async/runtime.h"
#include "gateway/gateway.h"
#include "gateway/gateway_config.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

class DataPlane {
 public:
  // invalid_argument for an unknown policy; unavailable when a port is taken. The runtime must run.
  // Pools are scraped from here on; clients are answered after listen().
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> bind(
      async::Runtime& runtime, gateway::GatewayModel model, gateway::GatewayOptions options = {});

  [[nodiscard]] Status listen() { return gateway_.listen(); }
  [[nodiscard]] gateway::Gateway& gateway() { return gateway_; }
  // Of the first pool that was made; for `up`, which has one.
  [[nodiscard]] router::PoolSnapshotPtr pool() const;

  // Lets requests in hand end until the deadline, then stops scraping. On loop 0.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

 private:
  struct Pool;  // router, endpoints and picker of one InferencePool

  DataPlane(async::Runtime& runtime, gateway::GatewayOptions options);
  Result<std::shared_ptr<gateway::EndpointPicker>> make_picker(
      const gateway::ClusterConfig& config);

  async::Runtime& runtime_;
  // Pools that are not yet stopped; they outlive their snapshot until their scrapes have ended.
  std::shared_ptr<std::atomic<int>> live_pools_ = std::make_shared<std::atomic<int>>(0);
  std::weak_ptr<Pool> first_;
  gateway::Gateway gateway_;
};

}  // namespace nacelle::apps
