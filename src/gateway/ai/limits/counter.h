// counter.h: the arithmetic of one limit for one subject, exact in integers.
//
// Costs are known when a request ends, so a counter may pass its limit; it then refuses until the
// window turns or the bucket has refilled. Time never runs backwards for a counter: an earlier
// `now` counts as the latest seen.
//
// Home:    whoever guards it (rate_limiter.h).
#pragma once

#include <cstdint>

#include "gateway/ai/limits/rate_limit.h"

namespace nacelle::gateway::ai {

using WallMicros = std::chrono::sys_time<std::chrono::microseconds>;

struct CounterView {
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  std::uint64_t reset_seconds = 0;  // until the window turns, or the bucket admits or is full
};

class Counter {
 public:
  // True when a request that costs `at_least` at once may begin: 1 for request limits; 0 asks
  // whether anything is left at all.
  [[nodiscard]] bool admits(const RateLimit& limit, std::uint64_t at_least, WallMicros now);
  void charge(const RateLimit& limit, std::uint64_t cost, WallMicros now);
  // Undoes a charge of the same window.
  void give_back(const RateLimit& limit, std::uint64_t cost, WallMicros now);
  [[nodiscard]] CounterView view(const RateLimit& limit, WallMicros now);

 private:
  void advance(const RateLimit& limit, WallMicros now);

  std::int64_t since_us_ = INT64_MIN;  // begin of the window, or the bucket's last refill
  std::uint64_t used_ = 0;             // fixed window
  // Token bucket: what is missing from a full one, times the unit's microseconds. 128 bits hold
  // 2^64 tokens of a year.
  unsigned __int128 missing_ = 0;
};

}  // namespace nacelle::gateway::ai
