// slow_disk.h: a disk for StoreOptions::before_sync whose syncs wait until a test lets them go.
//
// Home:    any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/result.h"

namespace nacelle::kube::testing {

class SlowDisk {
 public:
  // Outlived by this.
  [[nodiscard]] std::function<Status()> before_sync() {
    return [this] {
      std::unique_lock lock(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !held_; });
      return outcome_;
    };
  }

  void hold() { set(true, Status()); }
  // Those that wait, and all that come, end with this.
  void let_go(Status outcome = {}) { set(false, std::move(outcome)); }

  [[nodiscard]] bool held() const {
    std::lock_guard lock(mutex_);
    return held_;
  }
  [[nodiscard]] int begun() const {
    std::lock_guard lock(mutex_);
    return begun_;
  }
  void wait_until_begun(int syncs) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= syncs; });
  }

 private:
  void set(bool held, Status outcome) {
    std::lock_guard lock(mutex_);
    held_ = held;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;  // guarded, as all below
  int begun_ = 0;
  Status outcome_;
};

}  // namespace nacelle::kube::testing
