// rate_limit.h: what one limit says: who is counted together, what a request costs, how much.
//
// Home:    values; any thread.
// Source:  gateway.md section 10.2 (BackendTrafficPolicy) and 6.5 (QuotaPolicy).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "gateway/ai/auth/sigv4.h"
#include "gateway/ai/limits/cost_expression.h"

namespace nacelle::gateway::ai {

enum class LimitUnit : std::uint8_t { kSecond, kMinute, kHour, kDay, kMonth, kYear };

// Seconds of a unit; 30 and 365 days for month and year, which token buckets need a rate of.
[[nodiscard]] std::uint64_t seconds_of(LimitUnit unit);

// The window of calendar time that holds `now`: months and years begin on their first day, UTC.
struct Window {
  WallTime begin;
  WallTime end;
};
[[nodiscard]] Window window_of(LimitUnit unit, WallTime now);

enum class LimitAlgorithm : std::uint8_t { kFixedWindow, kTokenBucket };

enum class CostKind : std::uint8_t { kRequests, kInput, kOutput, kTotal, kExpression };

struct HeaderSelector {
  enum class Match : std::uint8_t { kExact, kRegex, kDistinct };
  std::string name;
  Match match = Match::kExact;
  std::string value;  // of kExact
  std::shared_ptr<const std::regex> pattern;
  bool invert = false;
};

struct RateLimit {
  std::string name;  // unique; names the counter in logs, headers and the store
  // All must match for the limit to apply. A Distinct header that is absent does not match.
  std::vector<HeaderSelector> headers;
  std::vector<std::string> models;  // globs; empty = all
  bool per_key = false;             // one counter per client key
  bool per_model = false;           // one counter per model

  LimitAlgorithm algorithm = LimitAlgorithm::kFixedWindow;
  std::uint64_t amount = 0;  // per unit
  LimitUnit unit = LimitUnit::kMinute;
  std::uint64_t burst = 0;  // capacity of a token bucket; 0 = amount

  CostKind cost = CostKind::kRequests;
  std::optional<CostExpression> expression;  // of kExpression

  bool shadow = false;   // counts, never refuses
  bool durable = false;  // the counter survives a restart; needs fixed windows
};

}  // namespace nacelle::gateway::ai
