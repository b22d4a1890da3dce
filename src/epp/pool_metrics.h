// pool_metrics.h: what the Endpoint Picker tells about its pool, its plugins and this build.
//
//   gauges of the pool        means and deviations of what engines report, ready endpoints
//   per_endpoint_queue_size   of the endpoints that are there now
//   prefix_indexer_*          what the index knew of the chosen endpoint, and its size
//   plugin_duration_seconds   of one pick in kTimedPicks, the first one included: two readings of
//   the
//                             clock for every plugin are two per cent of a pick
//   datalayer_*_errors_total  scrapes
//
// Home:    thread-safe. Router, scrapes and Metrics outlive it.
// Source:  router.md section 15; prefix llm_d_epp_.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "router/placement.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"
#include "router/step_observer.h"
#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::epp {

class PoolMetrics final : private router::StepObserver {
 public:
  struct Options {
    std::string pool;     // its name
    std::string version;  // of this build; "": not told
    std::function<router::ScrapeErrors()> scrape_errors = {};
  };

  // Has the router's plugins timed from now on, which must not have picked yet.
  PoolMetrics(telemetry::Metrics& metrics, router::Router& router, Options options);
  ~PoolMetrics() override;
  PoolMetrics(const PoolMetrics&) = delete;
  PoolMetrics& operator=(const PoolMetrics&) = delete;

  // Sets the gauges.
  void look_at(const router::PoolSnapshot& pool);
  void placed(const router::Placement& placement);

 private:
  using Histogram = telemetry::Twin<telemetry::Histogram>;

  // One gauge of every engine: its mean and its standard deviation over the pool.
  struct Spread {
    telemetry::Twin<telemetry::Gauge> mean;
    telemetry::Gauge* deviation = nullptr;
  };
  [[nodiscard]] Spread spread(telemetry::Metrics& metrics, std::string_view what,
                              std::string_view help) const;
  void collect(telemetry::Snapshot& out) const;

  // StepObserver, under the router's lock.
  void began() override;
  void ended(router::Step step, const router::Plugin& plugin) override;

  router::Router& router_;
  const Options options_;
  Spread kv_, queue_, running_;
  telemetry::Twin<telemetry::Gauge> ready_;
  telemetry::TwinFamily<telemetry::Histogram> plugin_duration_;
  Histogram hit_ratio_, hit_bytes_;
  std::unordered_map<const router::Plugin*, std::unordered_map<router::Step, Histogram>> durations_;
  TimePoint began_{};
};

}  // namespace nacelle::epp
