// stats_board.h: where the engine loop leaves its statistics for whoever asks.
//
// The loop copies into memory that is there; a reader's copy is allocated by the reader, before it
// takes the lock. So publishing after each step allocates nothing and waits for a copy of a few KiB
// at most.
//
// Home:    any thread.
#pragma once

#include <memory>
#include <mutex>

#include "engine/stats.h"

namespace nacelle::engine {

class StatsBoard {
 public:
  // `first` has the shape (histogram bounds) of all that follow.
  explicit StatsBoard(const Stats& first) : shape_(first), latest_(first) {}

  void publish(const Stats& stats) {
    const std::lock_guard lock(mutex_);
    latest_ = stats;
  }

  [[nodiscard]] std::shared_ptr<const Stats> snapshot() const {
    auto copy = std::make_shared<Stats>(shape_);
    const std::lock_guard lock(mutex_);
    *copy = latest_;
    return copy;
  }

 private:
  const Stats shape_;
  mutable std::mutex mutex_;
  Stats latest_;
};

}  // namespace nacelle::engine
