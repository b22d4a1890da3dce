// work_queue_state.h: which keys wait for work, which are worked on, and which wait for their time.
//
// A key is in the queue once however often it is added, is never handed out twice at the same time,
// and is queued again when it was added while it was worked on. A key that fails waits longer each
// time: limits.first, doubled up to limits.longest, and no less than a bucket for all keys allows.
//
// Home:    pure; time is passed in. take() and add() are O(log n).
// Bounds:  one entry per key, so as many as there are objects.
// Source:  client-go's work queue and its default controller rate limiter; kubernetes-api.md
//          section 25.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/clock.h"

namespace nacelle::kube {

struct RateLimits {
  Duration first = std::chrono::milliseconds(5);
  Duration longest = std::chrono::seconds(1000);
  double per_second = 10;  // of all keys together
  double burst = 100;
};

template <class Key>
class WorkQueueState {
 public:
  explicit WorkQueueState(RateLimits limits = {}) : limits_(limits), tokens_(limits.burst) {}

  void add(const Key& key) {
    if (!dirty_.insert(key).second) return;
    if (!processing_.contains(key)) ready_.push_back(key);
  }

  // Adds it at that time; of two times the earlier one counts.
  void add_at(const Key& key, TimePoint when) {
    const auto known = due_.find(key);
    if (known != due_.end()) {
      if (std::get<0>(known->second) <= when) return;
      waiting_.erase(known->second);
    }
    const Waiting entry{when, next_entry_++, key};
    due_.insert_or_assign(key, entry);
    waiting_.insert(entry);
  }

  // Adds it after a wait that grows with its failures. Returns the wait.
  Duration add_rate_limited(const Key& key, TimePoint now) {
    Duration wait = limits_.first;
    for (int i = failures_[key]++; i > 0 && wait < limits_.longest; --i) wait *= 2;
    wait = std::max(std::min(wait, limits_.longest), take_token(now));
    add_at(key, now + wait);
    return wait;
  }

  // It worked: the next failure is the first.
  void forget(const Key& key) { failures_.erase(key); }
  [[nodiscard]] int failures(const Key& key) const {
    const auto found = failures_.find(key);
    return found == failures_.end() ? 0 : found->second;
  }

  // The next key to work on; done() must follow. nullopt when none is ready.
  [[nodiscard]] std::optional<Key> take(TimePoint now) {
    while (!waiting_.empty() && std::get<0>(*waiting_.begin()) <= now) {
      const Key key = std::get<2>(*waiting_.begin());
      waiting_.erase(waiting_.begin());
      due_.erase(key);
      add(key);
    }
    if (ready_.empty()) return std::nullopt;
    Key key = std::move(ready_.front());
    ready_.pop_front();
    dirty_.erase(key);
    processing_.insert(key);
    return key;
  }

  void done(const Key& key) {
    CHECK(processing_.erase(key) == 1);
    if (dirty_.contains(key)) ready_.push_back(key);
  }

  // When the next key comes out of its wait.
  [[nodiscard]] std::optional<TimePoint> next_due() const {
    if (waiting_.empty()) return std::nullopt;
    return std::get<0>(*waiting_.begin());
  }

  [[nodiscard]] std::size_t num_ready() const { return ready_.size(); }
  [[nodiscard]] std::size_t num_waiting() const { return waiting_.size(); }
  [[nodiscard]] std::size_t num_processing() const { return processing_.size(); }

 private:
  using Waiting = std::tuple<TimePoint, std::uint64_t, Key>;  // equal times in order of arrival

  // How long until the bucket has a token, which is then ours.
  Duration take_token(TimePoint now) {
    if (filled_ == TimePoint{}) filled_ = now;
    tokens_ = std::min(limits_.burst, tokens_ + to_seconds(now - filled_) * limits_.per_second);
    filled_ = now;
    tokens_ -= 1;
    if (tokens_ >= 0) return {};
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(-tokens_ / limits_.per_second));
  }

  const RateLimits limits_;
  std::deque<Key> ready_;
  std::set<Key> dirty_;       // added since they were last handed out
  std::set<Key> processing_;  // handed out
  std::set<Waiting> waiting_;
  std::map<Key, Waiting> due_;
  std::uint64_t next_entry_ = 0;
  std::map<Key, int> failures_;
  double tokens_;  // may be negative: promised ahead
  TimePoint filled_{};
};

}  // namespace nacelle::kube
