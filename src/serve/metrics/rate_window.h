// rate_window.h: how fast a counter grew over the last seconds, from samples taken at scrapes.
//
// Home:    guarded by the caller.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.h"

namespace nacelle::serve {

class RateWindow {
 public:
  explicit RateWindow(Duration window) : window_(window) {}

  // Takes a sample and returns growth per second since the oldest sample within the window; the
  // last sample before the window serves when it holds none. 0 at first.
  [[nodiscard]] double sample(TimePoint now, std::uint64_t value) {
    while (samples_.size() > 1 && now - samples_[1].at >= window_) samples_.pop_front();
    double rate = 0;
    if (!samples_.empty() && now > samples_.front().at && value >= samples_.front().value) {
      rate = static_cast<double>(value - samples_.front().value) /
             to_seconds(now - samples_.front().at);
    }
    // Frequent scrapes refine nothing and would grow the list.
    if (samples_.empty() || now - samples_.back().at >= 1s) samples_.push_back({now, value});
    return rate;
  }

 private:
  struct Sample {
    TimePoint at;
    std::uint64_t value;
  };

  Duration window_;
  std::deque<Sample> samples_;
};

}  // namespace nacelle::serve
