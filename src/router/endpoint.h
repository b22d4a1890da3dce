// endpoint.h: a model server as the router sees it.
//
// Home:    values. A PoolSnapshot is published as shared_ptr<const PoolSnapshot>; readers never
// lock. Source:  router.md sections 13.4 (identity), 13.5 (labels) and 14 (metrics read from
// engines).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  std::optional<double> decode_rate = {};  // tokens per second, of engines that say it
};

// Adapters as the engine reports them.
struct LoraState {
  std::vector<std::string> active;
  std::vector<std::string> waiting;
  std::uint32_t max_active = 0;
};

// Pod labels, or those of an endpoints file. Few per endpoint, so a list serves as a map.
using Labels = std::vector<std::pair<std::string, std::string>>;
// Numbers read by name: custom metrics, GPU utilisation.
using Attributes = std::vector<std::pair<std::string, double>>;

inline constexpr std::string_view kRoleLabel = "llm-d.ai/role";

struct EndpointSnapshot {
  EndpointId id;
  std::string name;     // `<pod>-rank-<i>` where pods are known
  std::string address;  // host:port
  bool serving = true;  // false while it refuses connections or drains
  EndpointMetrics metrics;
  std::string name_space = "default";
  std::uint32_t rank = 0;                 // index of its port among the pool's target ports
  std::shared_ptr<const Labels> labels;   // null: none
  std::shared_ptr<const LoraState> lora;  // null: the engine says nothing
  std::shared_ptr<const Attributes> attributes;

  // Null when the endpoint does not carry the label.
  [[nodiscard]] const std::string* label(std::string_view key) const;
  // One of the gauges by its attribute name (WaitingQueueSize, RunningRequestsSize,
  // KVCacheUsagePercent, CacheBlockSize, CacheNumBlocks, KvCacheMaxTokenCapacity, MaxActiveModels),
  // or a custom one.
  [[nodiscard]] std::optional<double> attribute(std::string_view key) const;
};

struct PoolSnapshot {
  std::vector<EndpointSnapshot> endpoints;
};

using PoolSnapshotPtr = std::shared_ptr<const PoolSnapshot>;

}  // namespace nacelle::router
