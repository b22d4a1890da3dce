// concurrency_detector.h: saturation from the router's own count of requests or tokens in flight.
//
//   pool      sum of in flight / sum of capacity; hybrid: mean over endpoints of the larger ratio
//   endpoint  in flight < capacity * (1 + headroom); none left: none (fails closed)
//
// With every dispatched request counted, saturation below 1 means that at least one endpoint of the
// stage is below its capacity, so the filter never empties what flow control let through.
//
// Home:    pure; any thread.
// Source:  router.md section 12.4.
#pragma once

#include "router/flow/core/saturation.h"

namespace nacelle::router::flow {

class ConcurrencyDetector final : public SaturationDetector {
 public:
  explicit ConcurrencyDetector(const DetectorConfig& config) : config_(config) {}

  [[nodiscard]] bool has_headroom(const EndpointLoad& endpoint, TimePoint now) const override;
  [[nodiscard]] bool fails_open() const override { return false; }

 protected:
  [[nodiscard]] StageReading read_stage(std::span<const EndpointLoad* const> endpoints,
                                        TimePoint now) const override;
  [[nodiscard]] bool stale(const EndpointLoad&, TimePoint) const override { return false; }
  void describe(std::span<const EndpointLoad>, TimePoint now, PoolReading& reading) const override;

 private:
  [[nodiscard]] double request_ratio(const EndpointLoad& endpoint) const;
  [[nodiscard]] double token_ratio(const EndpointLoad& endpoint) const;
  [[nodiscard]] double load(const EndpointLoad& endpoint) const;

  DetectorConfig config_;
};

}  // namespace nacelle::router::flow
