#include "router/flow/core/utilization_detector.h"

#include <algorithm>
#include <cmath>

namespace nacelle::router::flow {

namespace {

// A threshold of 0 or a gauge that is no number never divides.
double ratio(double value, double threshold) {
  if (!std::isfinite(value)) return 1;
  if (value <= 0) return 0;
  return threshold > 0 ? value / threshold : 1;
}

}  // namespace

bool UtilizationDetector::stale(const EndpointLoad& endpoint, TimePoint now) const {
  return !endpoint.metrics_known ||
         now - endpoint.metrics_updated > config_.metrics_staleness_threshold;
}

bool UtilizationDetector::has_headroom(const EndpointLoad& endpoint, TimePoint now) const {
  const double room = 1 + config_.headroom;
  return !stale(endpoint, now) &&
         endpoint.waiting_requests < config_.queue_depth_threshold * room &&
         endpoint.kv_usage < config_.kv_cache_util_threshold * room;
}

StageReading UtilizationDetector::read_stage(std::span<const EndpointLoad* const> endpoints,
                                             TimePoint now) const {
  double sum = 0;
  std::size_t counted = 0;
  for (const EndpointLoad* endpoint : endpoints) {
    if (stale(*endpoint, now)) {
      if (config_.staleness == StalenessPolicy::kIgnore) continue;
      sum += 1;
    } else {
      sum += std::max(ratio(endpoint->waiting_requests, config_.queue_depth_threshold),
                      ratio(endpoint->kv_usage, config_.kv_cache_util_threshold));
    }
    ++counted;
  }
  StageReading stage;
  stage.endpoints = endpoints.size();
  stage.saturation = counted == 0 ? 1 : sum / static_cast<double>(counted);
  if (counted != 0 && config_.queue_depth_threshold > 0) {
    stage.per_request = 1 / (config_.queue_depth_threshold * static_cast<double>(counted));
  }
  return stage;
}

void UtilizationDetector::describe(std::span<const EndpointLoad> endpoints, TimePoint now,
                                   PoolReading& reading) const {
  TimePoint oldest = now;
  for (const EndpointLoad& endpoint : endpoints) {
    if (!stale(endpoint, now)) oldest = std::min(oldest, endpoint.metrics_updated);
  }
  reading.covers = oldest - kArrivalDelay;
  reading.follows_completions = false;
}

}  // namespace nacelle::router::flow
