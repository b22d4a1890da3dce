// latency_metrics.h: predictions, what came true, and how wrong they were.
//
// request_predicted_ttft_seconds, request_predicted_tpot_seconds, request_ttft_prediction_duration_
// seconds, request_tpot_prediction_duration_seconds, request_slo_violation_total and
// inference_request_metric under current and deprecated names; and of our own
// nacelle_router_latency_prediction_error_ratio, _bias_ratio, _samples_total, _drifts_total by
// kind.
//
// Home:    thread-safe.
// Source:  router.md section 15.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "router/latency/core/slo_headroom.h"
#include "router/latency/latency_predictor.h"
#include "telemetry/label_cap.h"
#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::router::latency {

class LatencyMetrics {
 public:
  // The plugin that predicts, as named in the configuration.
  LatencyMetrics(telemetry::Metrics& metrics, std::string plugin_name, std::string plugin_type);

  // The children of one (model, target model), found once per request.
  class Series {
   public:
    void observe_prediction(const LatencyPrediction& predicted, double took_seconds) const;
    void observe_ttft(double seconds, const LatencyPrediction& predicted, const Slo& slo) const;
    void observe_tpot(double seconds, const LatencyPrediction& predicted, const Slo& slo) const;

   private:
    friend class LatencyMetrics;
    telemetry::Twin<telemetry::Histogram> predicted_ttft_, predicted_tpot_;
    telemetry::Twin<telemetry::Histogram> ttft_duration_, tpot_duration_;
    telemetry::Twin<telemetry::Counter> ttft_violations_, tpot_violations_;
    telemetry::Twin<telemetry::Gauge> last_ttft_, last_tpot_, last_predicted_ttft_,
        last_predicted_tpot_;
  };
  [[nodiscard]] Series& series(std::string_view model, std::string_view target_model);

  // The predictor's own quality, with these labels besides role, server type and target.
  static void collect_quality(telemetry::Snapshot& out, const telemetry::Labels& labels,
                              const LatencyPredictor& predictor);

 private:
  const std::string plugin_name_;
  const std::string plugin_type_;
  telemetry::LabelCap models_;
  telemetry::TwinFamily<telemetry::Histogram> predicted_ttft_, predicted_tpot_;
  telemetry::TwinFamily<telemetry::Histogram> ttft_duration_, tpot_duration_;
  telemetry::TwinFamily<telemetry::Counter> violations_;
  telemetry::TwinFamily<telemetry::Gauge> last_;

  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Series>> series_;  // guarded; capped by models_
};

}  // namespace nacelle::router::latency
