// endpoint.h: a model server as the router sees it.
//
// Home:    values. A PoolSnapshot is published as shared_ptr<const PoolSnapshot>; readers never
// lock. Source:  router.md section 14 (metrics read from engines).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace nacelle::router {

// Stable for the life of an endpoint in the pool; reused only after it left.
using EndpointId = Id<struct EndpointTag>;

// Gauges of the last scrape that worked. Absent metrics keep their value; `updated` moves only
// then.
struct EndpointMetrics {
  bool known = false;  // at least one scrape worked
  TimePoint updated{};
  double waiting_requests = 0;
  double running_requests = 0;
  double kv_usage = 0;  // 0..1
  std::uint32_t block_size_tokens = 0;
  std::uint32_t num_blocks = 0;
};

struct EndpointSnapshot {
  EndpointId id;
  std::string name;
  std::string address;  // host:port
  bool serving = true;  // false while it refuses connections or drains
  EndpointMetrics metrics;
};

struct PoolSnapshot {
  std::vector<EndpointSnapshot> endpoints;
};

using PoolSnapshotPtr = std::shared_ptr<const PoolSnapshot>;

}  // namespace nacelle::router
