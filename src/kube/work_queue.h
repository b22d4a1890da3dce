// work_queue.h: keys to work on, for any number of workers of one loop.
//
//   while (auto key = co_await queue.next()) {
//     ... work ...
//     if (failed) queue.add_rate_limited(*key); else queue.forget(*key);
//     queue.done(*key);
//   }
//
// Home:    one loop.
// Bounds:  as kube/work_queue_state.h, which has the rules.
#pragma once

#include <optional>
#include <utility>

#include "async/event.h"
#include "kube/work_queue_state.h"

namespace nacelle::kube {

template <class Key>
class WorkQueue {
 public:
  explicit WorkQueue(async::Loop& loop, RateLimits limits = {}) : state_(limits), changed_(loop) {}

  void add(const Key& key) {
    state_.add(key);
    changed_.pulse();
  }
  void add_after(const Key& key, Duration wait) {
    if (wait <= Duration{}) return add(key);
    state_.add_at(key, now() + wait);
    changed_.pulse();
  }
  void add_rate_limited(const Key& key) {
    state_.add_rate_limited(key, now());
    changed_.pulse();
  }
  void forget(const Key& key) { state_.forget(key); }
  void done(const Key& key) {
    state_.done(key);
    changed_.pulse();
  }

  // Waits for a key. nullopt after shut_down(), or when the surrounding task was cancelled.
  [[nodiscard]] async::Task<std::optional<Key>> next() {
    while (!shut_down_) {
      if (auto key = state_.take(now())) co_return key;
      const Status waited = co_await changed_.wait(state_.next_due().value_or(async::kNoDeadline));
      if (waited.code() == Code::kCancelled) break;
    }
    co_return std::nullopt;
  }

  // Workers end after the key they work on; what waits is dropped.
  void shut_down() {
    shut_down_ = true;
    changed_.pulse();
  }

  [[nodiscard]] const WorkQueueState<Key>& state() const { return state_; }

 private:
  [[nodiscard]] static TimePoint now() { return std::chrono::steady_clock::now(); }

  WorkQueueState<Key> state_;
  async::Event changed_;  // pulsed
  bool shut_down_ = false;
};

}  // namespace nacelle::kube
