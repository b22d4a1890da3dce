#include "apps/nacelle/learned_latency.h"

#include "router/producer/predicted_latency/predicted_latency.h"
#include "router/producer/predicted_latency/predictor_source.h"

namespace nacelle::apps {

using router::latency::LatencyMetrics;
using router::latency::LatencyPredictor;
using router::latency::RunningSlos;

std::shared_ptr<LearnedLatency> LearnedLatency::attach_to(router::Router& router,
                                                          telemetry::Metrics& metrics) {
  const auto* producer = router.schedule().find<router::PredictedLatency>();
  if (producer == nullptr) return nullptr;
  router::latency::LatencyPredictorConfig config;
  config.sampling_mean = producer->config().sampling_mean;
  config.slo_buffer_factor = producer->config().slo_buffer_factor;
  config.streaming_mode = producer->config().streaming_mode;
  auto out = std::make_shared<LearnedLatency>();
  out->predictor_ = std::make_shared<LatencyPredictor>(config);
  router.attach(std::make_shared<router::PredictorSource>(
      out->predictor_, std::make_shared<RunningSlos>(),
      std::make_shared<LatencyMetrics>(metrics, producer->name(), producer->type())));
  return out;
}

void LearnedLatency::collect(telemetry::Snapshot& out, const telemetry::Labels& labels) const {
  LatencyMetrics::collect_quality(out, labels, *predictor_);
}

}  // namespace nacelle::apps
