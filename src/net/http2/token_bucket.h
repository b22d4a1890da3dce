// token_bucket.h: a budget that refills with time, for what a peer may do only so often.
//
// The clock is read only when the budget is used up, so that spending costs a decrement.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace nacelle::net::http2 {

class TokenBucket {
 public:
  TokenBucket(std::uint32_t burst, std::uint32_t per_second, TimePoint now)
      : burst_(burst), per_second_(per_second), tokens_(burst), filled_(now) {}

  // Takes one token; false when there is none.
  bool take(const Clock& clock) {
    if (tokens_ == 0) refill(clock.now());
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

  // Gives tokens back, up to the burst.
  void give(std::uint32_t count) { tokens_ = std::min<std::uint64_t>(burst_, tokens_ + count); }

 private:
  void refill(TimePoint now) {
    const double earned = to_seconds(now - filled_) * per_second_;
    if (earned < 1) return;  // keep the fraction
    tokens_ = static_cast<std::uint64_t>(std::min<double>(burst_, earned));
    filled_ = now;
  }

  std::uint32_t burst_;
  std::uint32_t per_second_;
  std::uint64_t tokens_;
  TimePoint filled_;  // when the bucket was last empty or full
};

}  // namespace nacelle::net::http2
