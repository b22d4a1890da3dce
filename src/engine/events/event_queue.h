// event_queue.h: logs of cache events on their way from the engine loop to the publisher's thread.
//
// The loop hands a full log over and gets an empty one back, one that was read before: its arrays
// are large enough already. hand_over() never waits: while the queue is full or held by the reader
// for the moment, it says no, the caller keeps the log and tries again after the next step.
//
// Home:    hand_over() the engine loop; take() and give_back() the publisher's thread.
// Bounds:  `max_logs` logs and kMaxQueuedBlocks blocks wait; a longer lag ends in CacheEventLog's
//          own bound.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "engine/core/cache_event_log.h"

namespace nacelle::engine {

class EventQueue {
 public:
  static constexpr std::size_t kMaxQueuedBlocks = 1 << 20;
  static constexpr std::size_t kSpareLogs = 64;

  explicit EventQueue(std::size_t max_logs);

  // Takes `log`, which is empty afterwards. False, and no change, when it cannot be had now.
  [[nodiscard]] bool hand_over(CacheEventLog& log);

  // The oldest log, if there is one.
  [[nodiscard]] bool take(CacheEventLog& log);
  void give_back(CacheEventLog log);
  [[nodiscard]] std::size_t size() const;

 private:
  // A ring, so that a steady state allocates nothing.
  mutable std::mutex mutex_;  // held for a swap
  std::vector<CacheEventLog> ring_;
  std::size_t first_ = 0, count_ = 0, queued_blocks_ = 0;
  std::vector<CacheEventLog> spare_;
};

}  // namespace nacelle::engine
