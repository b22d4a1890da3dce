// utilization_detector.h: saturation from the engines' own gauges.
//
//   pool      mean over endpoints of max(waiting / queueDepthThreshold, kv / kvCacheUtilThreshold);
//             unknown or old gauges count as 1 (or are left out: stalenessPolicy ignore)
//   endpoint  fresh, waiting < threshold * (1 + headroom), kv < threshold * (1 + headroom)
//
// Gauges lag: a dispatched request counts as one more waiting request until every fresh endpoint
// was scraped well after it was placed.
//
// Home:    pure; any thread.
// Source:  router.md section 12.4.
#pragma once

#include "router/flow/core/saturation.h"

namespace nacelle::router::flow {

class UtilizationDetector final : public SaturationDetector {
 public:
  // From being placed to being visible in an engine's queue: one hop and one engine step.
  static constexpr Duration kArrivalDelay = std::chrono::milliseconds(20);

  explicit UtilizationDetector(const DetectorConfig& config) : config_(config) {}

  [[nodiscard]] bool has_headroom(const EndpointLoad& endpoint, TimePoint now) const override;
  [[nodiscard]] bool fails_open() const override { return true; }

 protected:
  [[nodiscard]] StageReading read_stage(std::span<const EndpointLoad* const> endpoints,
                                        TimePoint now) const override;
  [[nodiscard]] bool stale(const EndpointLoad& endpoint, TimePoint now) const override;
  void describe(std::span<const EndpointLoad> endpoints, TimePoint now,
                PoolReading& reading) const override;

 private:
  DetectorConfig config_;
};

}  // namespace nacelle::router::flow
