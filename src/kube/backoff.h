// backoff.h: how long to wait after the n-th failure in a row.
//
// Doubles from the first wait to the longest, each times a random factor in [1, 2), so that the
// clients of a server that comes back do not all come at once. Starts over when the last failure is
// long ago.
//
// Home:    pure; time and randomness are passed in.
// Source:  kubernetes-api.md section 10.3 (informer restart delay).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace nacelle::kube {

struct BackoffLimits {
  Duration first = std::chrono::milliseconds(800);
  Duration longest = std::chrono::seconds(30);
  Duration forget_after = std::chrono::minutes(2);
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_(limits), next_(limits.first) {}

  [[nodiscard]] Duration failed(TimePoint now, std::uint64_t random) {
    if (now - last_ > limits_.forget_after) next_ = limits_.first;
    last_ = now;
    const Duration base = next_;
    next_ = std::min(next_ * 2, limits_.longest);
    const double share = static_cast<double>(random >> 11) * 0x1p-53;  // [0, 1)
    return base + std::chrono::duration_cast<Duration>(base * share);
  }

 private:
  BackoffLimits limits_;
  Duration next_;
  TimePoint last_{};
};

}  // namespace nacelle::kube
