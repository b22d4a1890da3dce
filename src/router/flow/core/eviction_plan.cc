#include "router/flow/core/eviction_plan.h"

#include <algorithm>
#include <cmath>

namespace nacelle::router::flow {

EvictionPlan::EvictionPlan(const FlowControlConfig& config) {
  if (config.detector.kind == DetectorKind::kConcurrency) {
    grace_ = std::chrono::milliseconds(10);
  } else {
    grace_ = config.refresh_metrics_interval + config.detector.metrics_staleness_threshold +
             std::chrono::milliseconds(250);
  }
}

EvictionPlan::Settled EvictionPlan::settle(double saturation, TimePoint now) {
  if (!since_.has_value()) return {};
  const Duration took = now - *since_;
  Event event = Event::kNone;
  if (took >= grace_ && saturation < before_) {
    event = Event::kConfirmed;
  } else if (took >= kConfirmationTimeout) {
    event = Event::kTimedOut;
  } else {
    return {};
  }
  since_.reset();
  pending_ = 0;
  return {event, revoked_, took};
}

std::size_t EvictionPlan::want(double saturation, double ceiling, std::uint64_t in_flight) const {
  if (since_.has_value() || in_flight == 0 || saturation <= 0 || saturation < ceiling) return 0;
  const double credit = saturation / static_cast<double>(in_flight);
  const double n = std::ceil((saturation - ceiling - pending_) / credit);
  return static_cast<std::size_t>(std::clamp(n, 1.0, static_cast<double>(kMaxPerRound)));
}

void EvictionPlan::issued(std::size_t revoked, double saturation, std::uint64_t in_flight,
                          TimePoint now) {
  if (revoked == 0 || in_flight == 0) return;
  target_ = static_cast<double>(revoked) * saturation / static_cast<double>(in_flight);
  pending_ = target_;
  before_ = saturation;
  revoked_ = revoked;
  since_ = now;
}

}  // namespace nacelle::router::flow
