// packed_cache_events.h: collects what caches of packed weights report, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "model/packed_cache_options.h"

namespace nacelle::model::testing {

// Any thread.
class PackedCacheEvents {
 public:
  using Kind = PackedCacheEvent::Kind;

  void add(const PackedCacheEvent& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  // Waits for an event of that kind; the bound only ends a test that fails.
  PackedCacheEvent wait_for(Kind kind) {
    std::unique_lock lock(mutex_);
    const auto found = [&] {
      return std::find_if(events_.begin(), events_.end(),
                          [&](const PackedCacheEvent& event) { return event.kind == kind; });
    };
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return found() != events_.end(); });
    EXPECT_NE(found(), events_.end()) << "no event of kind " << static_cast<int>(kind);
    return found() == events_.end() ? PackedCacheEvent() : *found();
  }
  std::size_t count(Kind kind) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(),
                      [&](const PackedCacheEvent& event) { return event.kind == kind; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PackedCacheEvent> events_;
};

}  // namespace nacelle::model::testing
