// in_flight_set.h: the requests that were dispatched and have not ended.
//
// Two uses. Reservations: a dispatched request weighs on the pool until a reading covers it, that
// is until it was placed and the counters or gauges were read after that. Eviction: sheddable
// requests, lowest priority first, newest dispatch first.
//
//   dispatched ──placed──► placed ──a reading covers it──► covered ──► ended
//   └──────── reserved: counted on top ────────┘
//
// Home:    whatever guards the FlowQueues. Entries are embedded by their owners.
// Source:  router.md sections 12.3 (eviction filter and order), 22 trap 13.
#pragma once

#include <cstdint>
#include <list>
#include <map>

#include "base/check.h"
#include "base/clock.h"
#include "router/flow/core/saturation.h"

namespace nacelle::router::flow {

class InFlight {
 public:
  enum class State { kNone, kDispatched, kPlaced, kCovered };

  InFlight() = default;
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() { CHECK(state == State::kNone); }

  // Set by the owner before add().
  int priority = 0;
  std::uint64_t tokens = 0;  // of the prompt, estimated
  bool evictable = false;    // its owner can be told to give up

  // Kept by the set.
  State state = State::kNone;
  TimePoint placed_at{};
  std::list<InFlight*>::iterator placed_place{};
  std::list<InFlight*>::iterator victim_place{};
  bool listed = false;  // among the victims
};

class InFlightSet {
 public:
  void add(InFlight& request);
  void placed(InFlight& request, TimePoint now);  // no-op unless dispatched
  void remove(InFlight& request);

  // A new reading: what it covers is reserved no longer.
  void read(const PoolReading& reading);

  // The last reading plus what is reserved. Never too low: requests that ended since are still in
  // it, which outdated() tells.
  [[nodiscard]] double effective() const {
    return reading_.effective(reserved_requests_, reserved_tokens_);
  }
  // A new reading would be lower.
  [[nodiscard]] bool outdated() const { return outdated_; }
  [[nodiscard]] const PoolReading& reading() const { return reading_; }

  // The next victim among requests of priority below `below` and below 0; nullptr when there is
  // none. A request is named once.
  [[nodiscard]] InFlight* take_victim(int below);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t reserved() const {
    return static_cast<std::uint64_t>(reserved_requests_);
  }

 private:
  void unlist(InFlight& request);

  PoolReading reading_;
  std::uint64_t size_ = 0;
  // Whole numbers, kept as doubles because they are only multiplied by weights.
  double reserved_requests_ = 0;
  double reserved_tokens_ = 0;
  bool outdated_ = false;
  std::list<InFlight*> placed_;                  // in order of placed_at, not covered yet
  std::map<int, std::list<InFlight*>> victims_;  // by priority, newest dispatch first
};

}  // namespace nacelle::router::flow
