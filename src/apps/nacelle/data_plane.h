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
#include "apps/nacelle/wake_room.h"
#include "async/runtime.h"
#include "async/work_pool.h"
#include "gateway/gateway.h"
#include "gateway/gateway_config.h"
#include "router/record/record_writer.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

// What a pool has to do now, for whoever decides on its size.
struct PoolLoad {
  std::size_t held = 0;       // requests that wait for a first endpoint
  std::size_t reporting = 0;  // endpoints whose metrics are known
  double queued = 0;          // in the endpoints, `held` aside
  double running = 0;
  double kv_usage = 0;                // mean of those that report
  std::optional<double> decode_rate;  // tokens per second of all; nothing when one says nothing
  Duration silent_for{};              // since the newest metrics
  std::optional<Duration> idle_for;   // since the last request; nothing: there was none
};

class DataPlane {
 public:
  struct Options {
    gateway::GatewayOptions gateway;
    std::string record;  // file that picking decisions are written to; "": none
    bool allow_experimental_plugins = false;
    // Requests for a pool of discovered endpoints that has none wait; the first of them calls this
    // with the pool's name, on any loop. Empty: they are refused.
    std::function<void(const std::string& pool)> wake;
    // Of each such pool; `wanted` is set here.
    WakeRoom::Options wake_room;
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
  // Puts another model in force; requests that wait for a pool that it has not are refused.
  [[nodiscard]] Status apply(gateway::GatewayModel model);
  // Of the first pool that was made; for `up`, which has one.
  [[nodiscard]] router::PoolSnapshotPtr pool() const;

  // Of an InferencePool, by cluster name ("pool/<namespace>/<name>"); nothing when no route of a
  // Gateway leads to it. Any thread.
  [[nodiscard]] std::optional<PoolLoad> load(const std::string& pool) const;

  // What its endpoints answered since it was made; nothing as above. Any thread.
  [[nodiscard]] std::optional<AnswerTally::Counts> answers(const std::string& pool) const;

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
  // Null when there is none of that name any more.
  [[nodiscard]] std::shared_ptr<Pool> find_pool(const std::string& name) const;

  async::Runtime& runtime_;
  const Options options_;
  std::size_t num_records_ = 0;
  // Pools that are not yet stopped; they outlive their snapshot until their scrapes have ended.
  std::shared_ptr<std::atomic<int>> live_pools_ = std::make_shared<std::atomic<int>>(0);
  std::weak_ptr<Pool> first_;
  std::shared_ptr<async::WorkPool> work_pool_;  // null until then
  mutable std::mutex pools_mutex_;
  std::map<std::string, std::weak_ptr<Pool>> pools_;  // guarded; for /metrics
  gateway::Gateway gateway_;
};

}  // namespace nacelle::apps
