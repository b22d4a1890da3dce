// restart_policy.h: how long to wait before a process that ended is started again.
//
// Exponential back-off as in Kubernetes' CrashLoopBackOff: initial, doubled per failure up to a
// maximum, and back to the start after the process ran for long enough to count as healthy.
//
// Home:    a value of the supervisor. Pure.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace nacelle::control {

struct RestartPolicy {
  Duration initial = 500ms;
  Duration maximum = 30s;
  Duration healthy_after = 60s;
};

class RestartState {
 public:
  explicit RestartState(RestartPolicy policy) : policy_(policy) {}

  // The process ended after running for `uptime`: the time to wait before the next start.
  [[nodiscard]] Duration on_exit(Duration uptime) {
    if (uptime >= policy_.healthy_after) failures_ = 0;
    Duration delay = policy_.initial;
    for (int i = 0; i < failures_ && delay < policy_.maximum; ++i) delay *= 2;
    ++failures_;
    return std::min(delay, policy_.maximum);
  }

  // Ends since the process last counted as healthy.
  [[nodiscard]] int failures() const { return failures_; }

 private:
  RestartPolicy policy_;
  int failures_ = 0;
};

}  // namespace nacelle::control
