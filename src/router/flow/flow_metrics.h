// flow_metrics.h: what flow control tells about itself, under current and deprecated names.
//
// flow_control_request_queue_duration_seconds   fairness_id, priority, outcome, inference_pool,
//                                               model_name, target_model_name
// flow_control_request_enqueue_duration_seconds fairness_id, priority, outcome
// flow_control_dispatch_cycle_duration_seconds
// flow_control_queue_size, _queue_bytes         fairness_id, priority, inference_pool, model_name,
//                                               target_model_name
// flow_control_pool_saturation                  inference_pool, stage
// flow_control_stale_endpoints                  detector
// flow_control_capacity_utilization_*, flow_control_global_capacity_utilization_*
// flow_control_requests_total                   outcome, priority, inference_pool
// flow_control_revocations*, _reclaim_target, _pending_reclaim
// program_aware_*
//
// Home:    thread-safe.
// Bounds:  fairness ids and model names are capped (telemetry/label_cap.h).
// Source:  router.md section 15; prefix llm_d_epp_, twins inference_extension_.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "router/flow/core/fairness_policy.h"
#include "router/flow/core/saturation.h"
#include "router/flow/outcome.h"
#include "telemetry/label_cap.h"
#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::router::flow {

// The children of one (fairness id, priority, model, target model), found once per request.
struct FlowSeries {
  struct PerOutcome {
    telemetry::Twin<telemetry::Histogram> queue_duration;
    telemetry::Twin<telemetry::Histogram> enqueue_duration;
    telemetry::Counter* requests = nullptr;
  };

  std::string fairness_id, priority, model, target_model;
  telemetry::Twin<telemetry::Gauge> queue_size, queue_bytes;
  std::array<std::unique_ptr<PerOutcome>, 9> outcomes;  // made when first needed
};

class FlowMetrics {
 public:
  FlowMetrics(telemetry::Metrics& metrics, std::string pool);

  FlowSeries& series(std::string_view fairness_id, int priority, std::string_view model,
                     std::string_view target_model);
  [[nodiscard]] const FlowSeries::PerOutcome& outcome(FlowSeries& series, Outcome outcome);

  void saturation(const PoolReading& reading, double effective, std::string_view detector);
  void band(int priority, double requests_share, double bytes_share);
  void pool_share(double requests_share, double bytes_share, bool has_requests, bool has_bytes);
  void revocation_issued(int priority);
  void revocations_settled(std::string_view outcome, std::size_t count, double seconds);
  void reclaim(double target, double pending);
  void programs(const std::vector<ProgramStats>& programs);

  telemetry::Twin<telemetry::Histogram> dispatch_cycle;

 private:
  const std::string pool_;
  telemetry::LabelCap fairness_cap_;
  telemetry::LabelCap model_cap_;
  telemetry::LabelCap program_cap_;
  telemetry::TwinFamily<telemetry::Histogram> queue_duration_;
  telemetry::TwinFamily<telemetry::Histogram> enqueue_duration_;
  telemetry::TwinFamily<telemetry::Gauge> queue_size_;
  telemetry::TwinFamily<telemetry::Gauge> queue_bytes_;
  telemetry::TwinFamily<telemetry::Gauge> pool_saturation_;
  telemetry::Family<telemetry::Gauge>& stale_endpoints_;
  telemetry::Family<telemetry::Gauge>& band_requests_;
  telemetry::Family<telemetry::Gauge>& band_bytes_;
  telemetry::Family<telemetry::Counter>& requests_total_;
  telemetry::Family<telemetry::Counter>& revocations_issued_;
  telemetry::Family<telemetry::Counter>& revocations_;
  telemetry::Gauge& reclaim_target_;
  telemetry::Gauge& pending_reclaim_;
  telemetry::Histogram& confirmation_;
  telemetry::Gauge* pool_requests_ = nullptr;  // only where a limit is set
  telemetry::Gauge* pool_bytes_ = nullptr;
  telemetry::Metrics& metrics_;

  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<FlowSeries>> series_;  // guarded
};

}  // namespace nacelle::router::flow
