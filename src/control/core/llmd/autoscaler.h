// autoscaler.h: how many replicas a service should have now.
//
// Queued requests per ready replica scale up; decoded tokens per replica below a floor, while the
// queue is short, scale down. Up wins, down needs both. Down waits until nothing larger was
// recommended for a window, goes one replica a minute and never where the KV cache of the others
// would overflow. The last one goes after ten minutes without a request. A clock that goes back
// takes what is remembered along.
//
// Home:    pure; the state is a value that the caller keeps.
// Bounds:  the state remembers kMaxRemembered recommendations.
// Source:  scaling-and-benchmarks.md section 8.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "control/core/field_problem.h"
#include "control/core/llmd/load_rates.h"
#include "control/core/llmd/scaling_pace.h"

namespace nacelle::control::llmd {

inline constexpr std::size_t kMaxRemembered = 4096;

struct AutoscalingSpec {
  bool enabled = false;
  std::int64_t min_replicas = 1;
  std::int64_t max_replicas = 1;
  std::optional<double> queue_target;  // RequestQueue: requests per ready replica
  std::optional<double> decode_floor;  // Throughput: tokens per second and replica
  std::int64_t window_seconds = 300;
  ScalingPace pace;  // of annotations
};

// spec.autoscaling of `spec`, with what is wrong or unwise about it; but for its pace.
[[nodiscard]] AutoscalingSpec parse_autoscaling(const kube::Json& spec, Review& review);

struct LoadSample {
  std::int64_t now = 0;  // seconds
  std::int64_t ready = 0;
  std::int64_t pending = 0;               // made, not ready yet
  std::optional<double> queued;           // of ready replicas and held by the gateway
  std::int64_t held = 0;                  // by the gateway alone
  std::optional<double> decode_rate;      // tokens per second of all
  std::optional<double> arrival_rate;     // requests per second; of `arrived` where not given
  std::optional<double> completion_rate;  // of one saturated replica; of `completed`
  std::optional<std::int64_t> arrived, completed;  // requests, since somebody counts
  double kv_usage = 0;                             // mean of ready replicas, 0..1
  std::int64_t running = 0;                        // requests in all replicas
  std::int64_t max_running = 0;                    // per replica; 0 is unknown
  std::int64_t silent_for = 0;                     // seconds since the newest metrics
  std::int64_t idle_for = 0;                       // seconds since the last request
  std::int64_t unschedulable_for = 0;
};

struct AutoscalerState {
  struct Recommendation {
    std::int64_t at, replicas;
  };
  std::deque<Recommendation> recommended;
  std::deque<Recommendation> added;  // replicas added at a time, for the rate
  std::optional<std::int64_t> last_up, last_down, empty_since;
  std::int64_t seen = 0;  // the newest sample's time
  LoadRates rates;
};

struct ScaleDecision {
  std::int64_t desired = 0;
  std::int64_t recommendation = 0;  // before windows and rates
  std::string reason;               // of the condition ScalingActive or of the hold
  bool active = true;               // false: metrics are stale, nothing moves
  bool capacity_limited = false;
  bool queue_above_target = false;  // more wait than should, whether or not that can be helped
};

[[nodiscard]] ScaleDecision scale(const AutoscalingSpec& spec, const LoadSample& sample,
                                  AutoscalerState& state);

}  // namespace nacelle::control::llmd
