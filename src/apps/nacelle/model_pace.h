// model_pace.h: when the data plane may make the next model of everything.
//
// A change that comes after a quiet time is in force at once, but for a moment in which those that
// come with it are gathered. A model costs more the more there is, and so does the rest after it: a
// burst of changes makes few models, and making them takes a fifth of the loop at most.
//
// Home:    pure.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace nacelle::apps {

class ModelPace {
 public:
  explicit ModelPace(Duration settle) : settle_(settle) {}

  // From a change at `now` to the model of it.
  [[nodiscard]] Duration wait(TimePoint now) const { return std::max(settle_, rest_until_ - now); }

  void made(TimePoint began, TimePoint ended) {
    rest_until_ = ended + std::min<Duration>(kRestPerCost * (ended - began), kLongestRest);
  }

 private:
  static constexpr int kRestPerCost = 4;  // times what the last model cost
  static constexpr Duration kLongestRest = std::chrono::milliseconds(100);

  const Duration settle_;
  TimePoint rest_until_{};
};

}  // namespace nacelle::apps
