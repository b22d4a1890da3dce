// data_plane.h: the gateway with a router of its own for every pool; used by `gateway` and `up`.
//
// Home:    bind() and apply() from any thread, one at a time; drain() on loop 0.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "apps/nacelle/router_picker.h"
#include "async/runtime.h"
#include "async/work_pool.h"
#include "gateway/gateway.h"
#include "gateway/gateway_config.h"
#include "router/record/record_writer.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

class DataPlane {
 public:
  struct Options {
    gateway::GatewayOptions gateway;
    std::string record;  // file that picking decisions are written to; "": none
    bool allow_experimental_plugins = false;
    // Requests for a pool of discovered endpoints that has none wait; the first of them calls this
    // with the pool's name, on any loop. Empty: they are refused.
    std::function<void(const std::string& pool)> wake;
  };
  // invalid_argument for an unknown policy; unavailable when a port is taken. The runtime must run.
  // Pools are scraped from here on; clients are answered after listen().
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> bind(async::Runtime& runtime,
                                                               gateway::GatewayModel model,
                                                               Options options);
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> bind(async::Runtime& runtime,
                                                               gateway::GatewayModel model) {
    return bind(runtime, std::move(model), Options());
  }

  [[nodiscard]] Status listen() { return gateway_.listen(); }
  [[nodiscard]] gateway::Gateway& gateway() { return gateway_; }
  // Of the first pool that was made; for `up`, which has one.
  [[nodiscard]] router::PoolSnapshotPtr pool() const;

  // Lets requests in hand end until the deadline, then stops scraping. On loop 0.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

 private:
  struct Pool;  // router, endpoints and picker of one InferencePool

  DataPlane(async::Runtime& runtime, Options options);
  Result<std::shared_ptr<gateway::EndpointPicker>> make_picker(
      const gateway::ClusterConfig& config);
  // Tokenises prompts for all pools; made for the first one that wants it.
  [[nodiscard]] std::shared_ptr<async::WorkPool> work_pool();
  void collect(telemetry::Snapshot& out);

  async::Runtime& runtime_;
  const Options options_;
  std::size_t num_records_ = 0;
  // Pools that are not yet stopped; they outlive their snapshot until their scrapes have ended.
  std::shared_ptr<std::atomic<int>> live_pools_ = std::make_shared<std::atomic<int>>(0);
  std::weak_ptr<Pool> first_;
  std::shared_ptr<async::WorkPool> work_pool_;  // null until then
  std::mutex pools_mutex_;
  std::map<std::string, std::weak_ptr<Pool>> pools_;  // guarded; for /metrics
  gateway::Gateway gateway_;
};

}  // namespace nacelle::apps
