// picker_metrics.h: what the Endpoint Picker tells about requests, under current and old names.
//
// request_total, request_error_total, request_running, request_duration_seconds,
// request_size_bytes, response_size_bytes, request_input_tokens, request_output_tokens,
// request_cached_tokens, request_ttft_seconds, scheduler_e2e_duration_seconds,
// model_rewrite_decisions_total; gauges of the pool; extproc_streams_*.
//
// Home:    thread-safe. series() is called once per request.
// Bounds:  model names and flow ids are capped (telemetry/label_cap.h).
// Source:  router.md section 15; prefix llm_d_epp_.
#pragma once

#include <string>
#include <string_view>

#include "provider/usage.h"
#include "router/endpoint.h"
#include "telemetry/label_cap.h"
#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::epp {

struct RequestLabels {
  std::string model, target_model, fairness_id, priority;
};

class PickerMetrics {
 public:
  PickerMetrics(telemetry::Metrics& metrics, std::string pool);

  [[nodiscard]] RequestLabels labels(std::string_view model, std::string_view target_model,
                                     std::string_view fairness_id, int priority);

  void request_began(const RequestLabels& labels, std::size_t body_bytes);
  void request_ended(const RequestLabels& labels, double seconds);
  void request_failed(const RequestLabels& labels, std::string_view error_code);
  void first_byte(const RequestLabels& labels, bool streaming, double seconds);
  void response(const RequestLabels& labels, std::size_t bytes, const provider::TokenUsage& usage);
  void rewritten(std::string_view rewrite, std::string_view model, std::string_view target);
  void scheduled(double seconds) { scheduler_.observe(seconds); }
  void pool(const router::PoolSnapshot& pool);

  telemetry::Gauge& streams_inflight;
  telemetry::Family<telemetry::Counter>& streams_total;  // code

 private:
  using Counters = telemetry::TwinFamily<telemetry::Counter>;
  using Gauges = telemetry::TwinFamily<telemetry::Gauge>;
  using Histograms = telemetry::TwinFamily<telemetry::Histogram>;

  const std::string pool_name_;
  telemetry::LabelCap model_cap_, fairness_cap_;
  Counters requests_, errors_, rewrites_;
  Gauges running_, ready_, kv_, queue_, running_average_;
  Histograms duration_, size_, response_size_, input_, output_, cached_, ttft_;
  telemetry::Twin<telemetry::Histogram> scheduler_;
};

}  // namespace nacelle::epp
