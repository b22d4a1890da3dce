// pool_view.h: a published pool with its gauges as columns.
//
// Scorers read one number of a thousand endpoints at a time, so each gauge is an array by position
// in the snapshot: a pass over it touches no endpoint's strings.
//
// Home:    immutable once made; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "router/endpoint.h"

namespace nacelle::router {

class PoolView {
 public:
  explicit PoolView(PoolSnapshotPtr snapshot);

  [[nodiscard]] std::size_t size() const { return snapshot_->endpoints.size(); }
  [[nodiscard]] const EndpointSnapshot& endpoint(std::uint32_t position) const {
    return snapshot_->endpoints[position];
  }
  [[nodiscard]] const PoolSnapshotPtr& snapshot() const { return snapshot_; }

  // By position.
  std::vector<double> waiting;
  std::vector<double> running;
  std::vector<double> kv_usage;
  std::vector<TimePoint> updated;  // TimePoint::min() where nothing is known

 private:
  PoolSnapshotPtr snapshot_;
};

using PoolViewPtr = std::shared_ptr<const PoolView>;

}  // namespace nacelle::router
