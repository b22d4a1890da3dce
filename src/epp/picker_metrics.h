// picker_metrics.h: what the Endpoint Picker tells about requests, picks and streams, under current
// and old names. docs/metrics.md lists them; pool_metrics.h has those of the pool.
//
// Home:    thread-safe. series() is called once per request.
// Bounds:  model names and flow ids are capped (telemetry/label_cap.h), series at kMaxSeries:
//          further ones share one.
// Source:  router.md section 15; prefix llm_d_epp_.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "epp/request_series.h"
#include "provider/usage.h"
#include "router/endpoint.h"
#include "router/placement.h"
#include "router/plugin.h"
#include "telemetry/label_cap.h"
#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::epp {

class PickerMetrics {
 public:
  static constexpr std::size_t kMaxSeries = 20'000;
  static constexpr std::size_t kMaxEndpointsPerSeries = 4096;  // then they are found anew

  explicit PickerMetrics(telemetry::Metrics& metrics);

  [[nodiscard]] RequestSeries& series(std::string_view model, std::string_view target_model,
                                      std::string_view fairness_id, int priority);

  void request_failed(const RequestSeries& series, std::string_view error_code);
  void rewritten(std::string_view rewrite, std::string_view model, std::string_view target);
  // The endpoint's children for these requests; `pool` tells its name.
  [[nodiscard]] EndpointSeries endpoint(RequestSeries& series,
                                        const router::Placement::Destination& destination,
                                        const router::PoolSnapshot& pool);
  // What a disaggregating handler decided: "decode-only", ...
  void decided(const RequestSeries& series, const router::Plugin& handler,
               std::string_view decision);

  telemetry::Gauge& streams_inflight;
  telemetry::Family<telemetry::Counter>& streams_total;  // code
  telemetry::Histogram& stream_duration;
  telemetry::Histogram& request_processing;
  telemetry::Histogram& response_processing;
  telemetry::Twin<telemetry::Histogram> scheduling;

 private:
  using Counters = telemetry::TwinFamily<telemetry::Counter>;
  using Gauges = telemetry::TwinFamily<telemetry::Gauge>;
  using Histograms = telemetry::TwinFamily<telemetry::Histogram>;

  [[nodiscard]] std::unique_ptr<RequestSeries> make_series(RequestLabels labels);

  telemetry::LabelCap model_cap_, fairness_cap_;
  Counters requests_, errors_, rewrites_, attempts_, disagg_decisions_, pd_decisions_;
  Gauges running_;
  Histograms duration_, size_, response_size_, input_, output_, cached_, ntpot_, tpot_, itl_, ttft_;
  telemetry::Family<telemetry::Gauge>& inflight_requests_;
  telemetry::Family<telemetry::Gauge>& inflight_tokens_;

  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<RequestSeries>> series_;  // guarded
};

}  // namespace nacelle::epp
