#include "router/pool_view.h"

#include "base/check.h"

namespace nacelle::router {

PoolView::PoolView(PoolSnapshotPtr snapshot) : snapshot_(std::move(snapshot)) {
  CHECK(snapshot_ != nullptr);
  const std::size_t count = snapshot_->endpoints.size();
  waiting.reserve(count);
  running.reserve(count);
  kv_usage.reserve(count);
  updated.reserve(count);
  for (const EndpointSnapshot& endpoint : snapshot_->endpoints) {
    const EndpointMetrics& metrics = endpoint.metrics;
    waiting.push_back(metrics.waiting_requests);
    running.push_back(metrics.running_requests);
    kv_usage.push_back(metrics.kv_usage);
    updated.push_back(metrics.known ? metrics.updated : TimePoint::min());
  }
}

}  // namespace nacelle::router
