// saturation.h: how full the pool is, and which endpoints have headroom left.
//
// A detector turns what is known of the endpoints into one number per stage; 1 means full. Prefill
// endpoints count for the prefill stage, decode and unlabelled ones for decode, interleaved ones
// for both, encoders for none. The pool is as saturated as its fuller stage; an empty pool is full.
//
// A reading also says how much one more request adds, so that requests dispatched since are counted
// until the counters or gauges behind the next reading know them: a burst cannot overshoot in the
// blind time between two readings.
//
// Home:    pure; any thread.
// Source:  router.md sections 12.2 and 12.4; trap 13 of section 22.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

enum class EndpointRole { kPrefill, kDecode, kInterleaved, kOther };

// From the label `llm-d.ai/role`; "" is an unlabelled endpoint, which decodes.
[[nodiscard]] EndpointRole role_from_label(std::string_view label);

// What a detector looks at.
struct EndpointLoad {
  EndpointRole role = EndpointRole::kDecode;
  bool metrics_known = false;
  TimePoint metrics_updated{};
  double waiting_requests = 0;
  double kv_usage = 0;                   // 0..1
  std::uint64_t in_flight_requests = 0;  // the router's own count: placed and not ended
  std::uint64_t in_flight_tokens = 0;
};

struct StageReading {
  double saturation = 0;   // may exceed 1
  double per_request = 0;  // what one more request adds, on average over the endpoints
  double per_token = 0;    // and one more token of its prompt
  std::size_t endpoints = 0;
};

struct PoolReading {
  std::optional<StageReading> prefill;  // of the stages that have endpoints
  std::optional<StageReading> decode;
  std::size_t endpoints = 0;        // of any role
  std::size_t stale_endpoints = 0;  // metrics missing or too old
  // Requests placed before this instant are inside the reading.
  TimePoint covers{};
  // Whether a request that ends lowers the reading at once, or only the next scrape shows it.
  bool follows_completions = false;

  // With this many requests and tokens on top in each stage.
  [[nodiscard]] double effective(double requests, double tokens) const;
};

class SaturationDetector {
 public:
  virtual ~SaturationDetector() = default;

  [[nodiscard]] PoolReading read(std::span<const EndpointLoad> endpoints, TimePoint now) const;

  // The scheduling filter: positions of the endpoints that may get one more request, ascending. The
  // utilization detector keeps all when none is left; the concurrency detector keeps none.
  void keep_with_headroom(std::span<const EndpointLoad> endpoints, TimePoint now,
                          std::vector<std::uint32_t>& kept) const;

  [[nodiscard]] virtual bool has_headroom(const EndpointLoad& endpoint, TimePoint now) const = 0;
  [[nodiscard]] virtual bool fails_open() const = 0;

 protected:
  [[nodiscard]] virtual StageReading read_stage(std::span<const EndpointLoad* const> endpoints,
                                                TimePoint now) const = 0;
  [[nodiscard]] virtual bool stale(const EndpointLoad& endpoint, TimePoint now) const = 0;
  // Sets `covers` and `follows_completions`.
  virtual void describe(std::span<const EndpointLoad> endpoints, TimePoint now,
                        PoolReading& reading) const = 0;
};

[[nodiscard]] std::unique_ptr<SaturationDetector> make_detector(const DetectorConfig& config);

}  // namespace nacelle::router::flow
