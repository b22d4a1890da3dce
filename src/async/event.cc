#include "async/event.h"

#include "async/deadline.h"
#include "async/waiter.h"
#include "base/check.h"

namespace nacelle::async {

// Lives in the waiting coroutine's frame.
struct Event::Node {
  Node(Event& e, Loop& loop) : event(e), deadline(loop, &Node::expire, this) {
    prev = event.last_;
    (prev != nullptr ? prev->next : event.first_) = this;
    event.last_ = this;
  }
  ~Node() {
    deadline.disarm();
    (prev != nullptr ? prev->next : event.first_) = next;
    (next != nullptr ? next->prev : event.last_) = prev;
  }

  static void expire(void* self) {
    auto* node = static_cast<Node*>(self);
    if (node->woken) return;
    node->expired = true;
    node->waiter.post_resume();
  }

  Event& event;
  Waiter waiter;
  Deadline deadline;
  Node* prev = nullptr;
  Node* next = nullptr;
  bool woken = false;
  bool expired = false;
};

Event::~Event() { CHECK(first_ == nullptr); }

void Event::set() {
  set_ = true;
  pulse();
}

void Event::pulse() {
  for (Node* node = first_; node != nullptr; node = node->next) {
    if (node->expired) continue;
    node->woken = true;
    node->waiter.post_resume();
  }
}

Task<Status> Event::wait(TimePoint deadline) {
  if (set_) co_return Status();
  Node node(*this, *loop_);
  if (deadline != kNoDeadline) node.deadline.arm(deadline);
  const bool resumed = co_await node.waiter.wait();
  if (!resumed) co_return cancelled("the waiting task was cancelled");
  if (node.expired) co_return deadline_exceeded("the event did not come before the deadline");
  co_return Status();
}

}  // namespace nacelle::async
