// deadline.h: a deadline on a loop's coarse timer wheel that calls back once when it passes.
//
// Arming and disarming are list operations without system calls; resolution TimerWheel::kTick.
//
// Home:    the loop's thread.
#pragma once

#include "async/loop.h"
#include "base/clock.h"

namespace nacelle::async {

class Deadline {
 public:
  // `callback(context)` runs on the loop as a turn of its own.
  Deadline(Loop& loop, TimerNode::Callback callback, void* context)
      : loop_(&loop), node_(callback, context) {}

  void arm(TimePoint at) { loop_->arm(node_, at); }  // replaces an earlier time
  // A zero or negative duration means none.
  void arm_after(Duration duration) {
    if (duration > Duration::zero()) {
      arm(std::chrono::steady_clock::now() + duration);
    } else {
      disarm();
    }
  }
  void disarm() { loop_->disarm(node_); }
  [[nodiscard]] bool armed() const { return node_.armed(); }

 private:
  Loop* loop_;
  TimerNode node_;
};

}  // namespace nacelle::async
