// predictor_source.h: the online latency model as a source of predictions.
//
// Home:    under the router's lock; the model has its own.
#pragma once

#include <memory>
#include <vector>

#include "router/latency/latency_metrics.h"
#include "router/latency/latency_predictor.h"
#include "router/latency/running_slos.h"
#include "router/latency_source.h"

namespace nacelle::router {

// An endpoint as this request meets it; what a sample is learned with, too. `prefix` may be null.
[[nodiscard]] latency::LatencyFeatures latency_features(const DecisionInput& input,
                                                        const PrefixColumn* prefix,
                                                        std::uint32_t position);

class PredictorSource final : public LatencySource {
 public:
  // `metrics` may be null.
  PredictorSource(std::shared_ptr<latency::LatencyPredictor> predictor,
                  std::shared_ptr<latency::RunningSlos> running,
                  std::shared_ptr<latency::LatencyMetrics> metrics = nullptr)
      : predictor_(std::move(predictor)),
        running_(std::move(running)),
        metrics_(std::move(metrics)) {}

  void predict(const DecisionInput& input, const PrefixColumn* prefix,
               std::span<LatencyPrediction> predictions,
               std::span<double> running_tpot_slo_ms) override;
  [[nodiscard]] std::unique_ptr<AnswerObserver> placed(
      const DecisionInput& input, const PrefixColumn* prefix, std::uint32_t position,
      std::optional<std::uint32_t> prefill, std::shared_ptr<const LoadCell> load) override;

 private:
  void look_at(const PoolViewPtr& pool);

  std::shared_ptr<latency::LatencyPredictor> predictor_;
  std::shared_ptr<latency::RunningSlos> running_;
  std::shared_ptr<latency::LatencyMetrics> metrics_;
  Duration took_{};                                        // of the last predict()
  PoolViewPtr pool_;                                       // that the next two are about
  std::vector<EndpointId> ids_;                            // by position
  std::vector<latency::KindId> kinds_;                     // by position
  std::vector<latency::LatencyPredictor::Query> queries_;  // reused
  std::vector<latency::LatencyPrediction> predictions_;    // reused
};

}  // namespace nacelle::router
