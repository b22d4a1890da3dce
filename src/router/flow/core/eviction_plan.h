// eviction_plan.h: when running requests give way to a waiting one of higher priority, and how
// many.
//
// Stop and wait: a round revokes at most two requests and the next one starts only after saturation
// was seen to fall (or ten seconds passed), because an engine frees a request late and a second
// round on old numbers would revoke too many.
//
//   credit = saturation / in flight        what one request is believed to free
//   n = max(1, ceil((saturation - ceiling - pending) / credit)), at most 2
//
// Home:    whatever guards the FlowQueues; pure.
// Source:  router.md section 12.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

class EvictionPlan {
 public:
  static constexpr std::size_t kMaxPerRound = 2;
  static constexpr Duration kConfirmationTimeout = std::chrono::seconds(10);

  explicit EvictionPlan(const FlowControlConfig& config);

  enum class Event { kNone, kConfirmed, kTimedOut };
  struct Settled {
    Event event = Event::kNone;
    std::size_t revoked = 0;  // of the round that ended
    Duration took{};
  };
  // Looks at the round under way.
  Settled settle(double saturation, TimePoint now);

  // How many to revoke now for a band that waits at `ceiling`; 0 while a round is under way or when
  // the pool is not that full. Follow with issued().
  [[nodiscard]] std::size_t want(double saturation, double ceiling, std::uint64_t in_flight) const;
  void issued(std::size_t revoked, double saturation, std::uint64_t in_flight, TimePoint now);

  [[nodiscard]] double pending() const { return pending_; }  // saturation still expected to go
  [[nodiscard]] double target() const { return target_; }    // saturation the last round aimed at
  [[nodiscard]] Duration grace() const { return grace_; }

 private:
  Duration grace_;  // a fall that shows sooner has another cause
  double pending_ = 0;
  double target_ = 0;
  double before_ = 0;  // saturation when the round started
  std::size_t revoked_ = 0;
  std::optional<TimePoint> since_;  // a round is under way
};

}  // namespace nacelle::router::flow
