// event.h: a flag that coroutines of one loop can wait for. Stays set until reset().
//
// Home:    one loop; to set it from elsewhere, post to the loop (or use Mailbox).
// Errors:  wait() returns deadline_exceeded, or cancelled when the surrounding task was cancelled.
#pragma once

#include "async/loop.h"
#include "async/task.h"
#include "async/timer_wheel.h"
#include "base/status.h"

namespace nacelle::async {

class Event {
 public:
  explicit Event(Loop& loop) : loop_(&loop) {}
  ~Event();  // nobody may wait any more
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Wakes all waiters, each in its own turn.
  void set();
  void reset() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }

  // Returns at once when the event is set. Any number of coroutines may wait.
  [[nodiscard]] Task<Status> wait(TimePoint deadline = kNoDeadline);

  // Wakes those who wait now without setting the event: a condition variable.
  void pulse();

 private:
  struct Node;

  Loop* loop_;
  Node* first_ = nullptr;  // in order of arrival
  Node* last_ = nullptr;
  bool set_ = false;
};

}  // namespace nacelle::async
