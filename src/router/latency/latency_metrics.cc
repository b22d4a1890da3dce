#include "router/latency/latency_metrics.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

namespace nacelle::router::latency {

namespace {

using telemetry::LabelNames;
using telemetry::Metrics;
using telemetry::TwinName;

constexpr std::size_t kManyChildren = 20'000;

const std::vector<double> kTtftSeconds{.005, .025, .05, .1, .2, .4, .6, .8, 1,  1.25, 1.5, 2,
                                       3,    4,    5,   6,  8,  10, 15, 20, 30, 45,   60,  120};
const std::vector<double> kTpotSeconds{.0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125,
                                       .15,   .2,     .3,   .4,  .5,  .6,  .8,  1,   2};
const std::vector<double> kShortSeconds{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};

TwinName name(std::string_view what, std::string help, bool with_type = false) {
  LabelNames labels{"plugin_name", "plugin_type", "model_name", "target_model_name"};
  if (with_type) labels.emplace_back("type");
  return {.name = fmt::format("llm_d_epp_{}", what),
          .old_name = fmt::format("inference_objective_{}", what),
          .help = std::move(help),
          .labels = std::move(labels),
          .max_children = kManyChildren};
}

}  // namespace

LatencyMetrics::LatencyMetrics(Metrics& m, std::string plugin_name, std::string plugin_type)
    : plugin_name_(std::move(plugin_name)),
      plugin_type_(std::move(plugin_type)),
      predicted_ttft_(twin_histogram(
          m, name("request_predicted_ttft_seconds", "Predicted time to first token."),
          kTtftSeconds)),
      predicted_tpot_(twin_histogram(
          m, name("request_predicted_tpot_seconds", "Predicted time per output token."),
          kTpotSeconds)),
      ttft_duration_(twin_histogram(
          m, name("request_ttft_prediction_duration_seconds", "Time that predicting takes."),
          kShortSeconds)),
      tpot_duration_(twin_histogram(
          m, name("request_tpot_prediction_duration_seconds", "Time that predicting takes."),
          kShortSeconds)),
      violations_(twin_counter(
          m, name("request_slo_violation_total", "Requests slower than they asked for.", true))),
      last_(twin_gauge(m, name("inference_request_metric",
                               "Latencies of the last request, predicted and actual.", true))) {}

LatencyMetrics::Series& LatencyMetrics::series(std::string_view model,
                                               std::string_view target_model) {
  model = models_(model);
  target_model = models_(target_model);
  const std::string key = fmt::format("{}\n{}", model, target_model);
  std::lock_guard lock(mutex_);
  auto& slot = series_[series_.size() < kManyChildren || series_.contains(key) ? key : "other"];
  if (slot != nullptr) return *slot;
  slot = std::make_unique<Series>();
  telemetry::LabelValues labels{plugin_name_, plugin_type_, std::string(model),
                                std::string(target_model)};
  slot->predicted_ttft_ = predicted_ttft_.with(labels);
  slot->predicted_tpot_ = predicted_tpot_.with(labels);
  slot->ttft_duration_ = ttft_duration_.with(labels);
  slot->tpot_duration_ = tpot_duration_.with(labels);
  const auto typed = [&labels](const auto& family, const char* type) {
    telemetry::LabelValues with_type = labels;
    with_type.emplace_back(type);
    return family.with(with_type);
  };
  slot->ttft_violations_ = typed(violations_, "ttft");
  slot->tpot_violations_ = typed(violations_, "tpot");
  slot->last_ttft_ = typed(last_, "ttft");
  slot->last_tpot_ = typed(last_, "tpot");
  slot->last_predicted_ttft_ = typed(last_, "predicted_ttft");
  slot->last_predicted_tpot_ = typed(last_, "predicted_tpot");
  return *slot;
}

void LatencyMetrics::Series::observe_prediction(const LatencyPrediction& predicted,
                                                double took_seconds) const {
  if (!predicted.known) return;
  predicted_ttft_.observe(predicted.ttft_seconds);
  predicted_tpot_.observe(predicted.tpot_seconds);
  ttft_duration_.observe(took_seconds);  // both come from one pass over the endpoints
  tpot_duration_.observe(took_seconds);
}

void LatencyMetrics::Series::observe_ttft(double seconds, const LatencyPrediction& predicted,
                                          const Slo& slo) const {
  last_ttft_.set(seconds);
  if (predicted.known) last_predicted_ttft_.set(predicted.ttft_seconds);
  if (slo.ttft_seconds > 0 && seconds > slo.ttft_seconds) ttft_violations_.increment();
}

void LatencyMetrics::Series::observe_tpot(double seconds, const LatencyPrediction& predicted,
                                          const Slo& slo) const {
  last_tpot_.set(seconds);
  if (predicted.known) last_predicted_tpot_.set(predicted.tpot_seconds);
  if (slo.tpot_seconds > 0 && seconds > slo.tpot_seconds) tpot_violations_.increment();
}

void LatencyMetrics::collect_quality(telemetry::Snapshot& out, const telemetry::Labels& labels,
                                     const LatencyPredictor& predictor) {
  const std::vector<LatencyPredictor::Quality> all = predictor.quality();
  const auto each = [&](auto write) {
    for (const auto& q : all) {
      telemetry::Labels own = labels;
      own.insert(own.end(), {{"role", q.role},
                             {"server_type", q.server_type},
                             {"target", q.target == Target::kTtft ? "ttft" : "tpot"}});
      write(q, own);
    }
  };
  each([&out](const auto& q, const auto& own) {
    out.gauge("nacelle_router_latency_prediction_error_ratio",
              "Mean of |predicted - actual| / actual over recent requests.", own,
              q.mean_absolute_percentage_error);
  });
  each([&out](const auto& q, const auto& own) {
    out.gauge("nacelle_router_latency_prediction_bias_ratio",
              "Mean of (predicted - actual) / actual over recent requests.", own, q.bias);
  });
  each([&out](const auto& q, const auto& own) {
    out.counter("nacelle_router_latency_samples_total", "Latencies that the model learned from.",
                own, static_cast<double>(q.samples));
  });
  each([&out](const auto& q, const auto& own) {
    out.counter("nacelle_router_latency_drifts_total",
                "Times that endpoints began to behave differently.", own,
                static_cast<double>(q.drifts));
  });
}

}  // namespace nacelle::router::latency
