// learned_latency.h: the latency model of one router: attached, fed by its answers, and told to
// /metrics.
//
// Home:    thread-safe; the parts have locks of their own.
#pragma once

#include <memory>

#include "router/latency/latency_metrics.h"
#include "router/latency/latency_predictor.h"
#include "router/router.h"
#include "telemetry/metrics.h"

namespace nacelle::apps {

class LearnedLatency {
 public:
  // Null when no plugin of the router wants predictions. `metrics` outlives it.
  [[nodiscard]] static std::shared_ptr<LearnedLatency> attach_to(router::Router& router,
                                                                 telemetry::Metrics& metrics);

  // Error and bias of the model, with these labels on every series.
  void collect(telemetry::Snapshot& out, const telemetry::Labels& labels) const;

 private:
  std::shared_ptr<router::latency::LatencyPredictor> predictor_;
};

}  // namespace nacelle::apps
