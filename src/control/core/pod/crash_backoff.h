// crash_backoff.h: how long a container that ended waits before it is started again.
//
// The first restart is immediate; then 10 s, doubled per restart up to 300 s. A run of ten minutes
// counts as healthy and starts the row over. The same row spaces out starts that fail.
//
// Home:    pure; a value of the pod's state.
// Source:  kubernetes-api.md section 22.2.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace nacelle::control::pod {

struct CrashBackoff {
  static constexpr Duration kFirst = 10s;
  static constexpr Duration kLongest = 300s;
  static constexpr Duration kHealthyAfter = 600s;

  int restarts = 0;  // in a row

  void ended(Duration uptime) {
    if (uptime >= kHealthyAfter) restarts = 0;
  }
  [[nodiscard]] Duration wait() const {
    if (restarts == 0) return Duration::zero();
    Duration wait = kFirst;
    for (int i = 1; i < restarts && wait < kLongest; ++i) wait *= 2;
    return std::min(wait, kLongest);
  }
  void started_again() { restarts = std::min(restarts + 1, 64); }
};

}  // namespace nacelle::control::pod
