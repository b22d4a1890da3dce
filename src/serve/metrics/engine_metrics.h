// engine_metrics.h: the vllm:* families, filled from the engine's statistics at each scrape.
//
// Values are those of the last step. Counters exist from the start, at zero. The old names that
// dashboards still ask for carry the same values as the new ones.
//
// Home:    the scraping thread, one at a time (a mutex guards the rate of the last seconds).
// Source:  engine.md section 21, scaling-and-benchmarks.md section 13.
#pragma once

#include <mutex>

#include "engine/engine.h"
#include "serve/metrics/rate_window.h"
#include "serve/server_config.h"
#include "telemetry/metrics.h"

namespace nacelle::serve {

class EngineMetrics {
 public:
  // Both must outlive this object.
  EngineMetrics(const engine::Engine& engine, const ServerConfig& config);

  void collect(telemetry::Snapshot& out, TimePoint now);

 private:
  void collect_gauges(telemetry::Snapshot& out, const engine::Stats& stats, TimePoint now);
  void collect_counters(telemetry::Snapshot& out, const engine::Stats& stats) const;
  // Only where they are published.
  void collect_kv_events(telemetry::Snapshot& out) const;
  // Only where speculation is on, as vLLM has it.
  void collect_speculation(telemetry::Snapshot& out, const engine::Stats& stats) const;
  void collect_histograms(telemetry::Snapshot& out, const engine::Stats& stats) const;

  [[nodiscard]] telemetry::Labels with(std::string_view name, std::string_view value) const;

  const engine::Engine& engine_;
  telemetry::Labels labels_;        // model_name, engine
  telemetry::Labels cache_labels_;  // of vllm:cache_config_info
  std::mutex mutex_;
  RateWindow decode_rate_;
};

}  // namespace nacelle::serve
