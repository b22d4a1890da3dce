// flow_config.h: what an operator can set about flow control, with the defaults of router.md
// sections 7 and 12. The `flowControl` part of an EndpointPickerConfig fills it.
//
// Home:    values; immutable once a FlowController has them.
// Bounds:  a limit of 0 means unlimited. The bounds at the end are ours: nothing a client sends can
//          grow the process beyond them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"

namespace nacelle::router::flow {

enum class FairnessKind {
  kGlobalStrict,  // global-strict-fairness-policy
  kRoundRobin,    // round-robin-fairness-policy
  kProgramAware,  // program-aware-fairness
};

enum class OrderingKind {
  kFcfs,         // fcfs-ordering-policy
  kEdf,          // edf-ordering-policy
  kSloDeadline,  // slo-deadline-ordering-policy
};

// program-aware-fairness, strategy `las` (least attained service).
struct ProgramAwareConfig {
  double weight_service = 0.8;
  double weight_head_wait = 0.2;
  Duration half_life = std::chrono::seconds(60);
  Duration eviction_ttl = std::chrono::seconds(3600);
  Duration eviction_sweep = std::chrono::seconds(300);
};

struct BandConfig {
  std::uint64_t max_bytes = 1'000'000'000;
  std::uint64_t max_requests = 5000;
  FairnessKind fairness = FairnessKind::kGlobalStrict;
  OrderingKind ordering = OrderingKind::kFcfs;
  ProgramAwareConfig program_aware;
};

enum class UsageLimitKind {
  kStatic,                 // static-usage-limit-policy
  kPriorityHoldback,       // priority-holdback-policy
  kSoftReflectiveCeiling,  // soft-reflective-ceiling-policy
};

struct UsageLimitConfig {
  enum class Domain { kRank, kValue };

  UsageLimitKind kind = UsageLimitKind::kStatic;
  double threshold = 1.0;         // static
  Domain domain = Domain::kRank;  // holdback, as are the next two
  double min_ceiling = 1.0;
  double max_ceiling = 1.0;
};

enum class DetectorKind { kUtilization, kConcurrency };
enum class StalenessPolicy { kSaturated, kIgnore };
enum class ConcurrencyMode { kRequests, kTokens, kHybrid };

struct DetectorConfig {
  DetectorKind kind = DetectorKind::kUtilization;
  double headroom = 0;  // both: the scheduling filter tolerates limits times (1 + headroom)
  // utilization-detector
  double queue_depth_threshold = 5;
  double kv_cache_util_threshold = 0.8;
  Duration metrics_staleness_threshold = std::chrono::milliseconds(200);
  StalenessPolicy staleness = StalenessPolicy::kSaturated;
  // concurrency-detector
  ConcurrencyMode mode = ConcurrencyMode::kRequests;
  std::uint64_t max_concurrency = 100;
  std::uint64_t max_token_concurrency = 1'000'000;
};

struct FlowControlConfig {
  // The gate `flowControl`. Off: only requests of negative priority are refused, while saturated.
  bool enabled = true;

  std::uint64_t max_bytes = 0;
  std::uint64_t max_requests = 0;
  Duration default_request_ttl = std::chrono::seconds(60);  // 0: only the client's patience counts
  std::optional<Duration> no_endpoint_request_ttl;  // unset: as the default; 0: refused at once
  BandConfig default_band;
  BandConfig default_negative_band;
  std::map<int, BandConfig> bands;
  UsageLimitConfig usage_limit;
  DetectorConfig detector;
  bool enable_eviction = false;

  Duration idle_flow_after = std::chrono::minutes(5);
  Duration idle_band_after = std::chrono::minutes(10);
  Duration refresh_metrics_interval = std::chrono::milliseconds(50);  // how often engines are asked
  Duration max_reading_age = std::chrono::milliseconds(50);           // of the pool's saturation

  std::size_t max_flows = 20'000;  // per process; idle ones go first, then new ones are refused
  std::size_t max_dynamic_bands = 100;  // further priorities share band 0

  [[nodiscard]] Duration no_endpoint_ttl() const {
    return no_endpoint_request_ttl.value_or(default_request_ttl);
  }
};

}  // namespace nacelle::router::flow
