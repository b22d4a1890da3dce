// mailbox.h: messages from any thread to one coroutine.
//
//   producer (engine loop):   mailbox.post(std::move(output));          never blocks
//   consumer (network loop):  std::vector<Output> batch;
//                             Status s = co_await mailbox.receive(batch, deadline);
//
// The consumer is woken once per batch, however many messages were posted before it ran.
//
// Home:    post() and close() from any thread; receive() on the loop given to the constructor.
// Bound:   `capacity` messages; post() returns resource_exhausted beyond it and drops the message.
// Errors:  receive() returns deadline_exceeded; after close(), first what is left, then the reason.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "async/deadline.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/check.h"
#include "base/result.h"

namespace nacelle::async {

template <class T>
class Mailbox {
 public:
  Mailbox(Loop& loop, std::size_t capacity) : state_(std::make_shared<State>(loop, capacity)) {}
  ~Mailbox() { close(cancelled("the mailbox is gone")); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  Status post(T message) { return state_->post(std::move(message)); }

  // No more messages; the consumer gets `reason` after the last one. The first call decides.
  void close(Status reason) { state_->close(std::move(reason)); }

  // Waits for at least one message and moves all there are to `batch`, which is cleared first (its
  // memory is reused). One consumer at a time.
  [[nodiscard]] Task<Status> receive(std::vector<T>& batch, TimePoint deadline = kNoDeadline) {
    return receive_from(state_, &batch, deadline);
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    State(Loop& home, std::size_t bound)
        : loop(&home), capacity(bound), timeout(home, &State::on_timeout, this) {}

    Status post(T message) {
      bool wake = false;
      {
        std::lock_guard lock(mutex);
        if (closed) return reason;
        if (messages.size() >= capacity) {
          return resource_exhausted("mailbox holds {} messages, its bound", capacity);
        }
        messages.push_back(std::move(message));
        wake = std::exchange(asleep, false);
      }
      if (wake) wake_consumer();
      return {};
    }

    void close(Status why) {
      bool wake = false;
      {
        std::lock_guard lock(mutex);
        if (closed) return;
        closed = true;
        reason = std::move(why);
        CHECK(!reason.ok());
        wake = std::exchange(asleep, false);
      }
      if (wake) wake_consumer();
    }

    void wake_consumer() {
      loop->post([self = this->shared_from_this()] { self->waiter.resume(); });
    }

    static void on_timeout(void* self) {
      auto* state = static_cast<State*>(self);
      {
        std::lock_guard lock(state->mutex);
        if (!state->asleep) return;  // a message woke the consumer already
        state->asleep = false;
      }
      state->timed_out = true;
      state->waiter.post_resume();
    }

    Loop* loop;
    const std::size_t capacity;
    std::mutex mutex;
    std::vector<T> messages;  // guarded
    bool asleep = false;      // guarded: the consumer waits and nobody has woken it yet
    bool closed = false;      // guarded
    Status reason;            // guarded
    Waiter waiter;            // loop
    Deadline timeout;         // loop
    bool timed_out = false;   // loop
  };

  static Task<Status> receive_from(std::shared_ptr<State> state, std::vector<T>* batch,
                                   TimePoint deadline) {
    batch->clear();
    for (;;) {
      {
        std::lock_guard lock(state->mutex);
        if (!state->messages.empty()) {
          batch->swap(state->messages);
          co_return Status();
        }
        if (state->closed) co_return state->reason;
        state->asleep = true;
      }
      state->timed_out = false;
      if (deadline != kNoDeadline) state->timeout.arm(deadline);
      const bool resumed = co_await state->waiter.wait();
      state->timeout.disarm();
      if (!resumed) {
        std::lock_guard lock(state->mutex);
        state->asleep = false;
        co_return cancelled("the waiting task was cancelled");
      }
      if (state->timed_out) co_return deadline_exceeded("no message before the deadline");
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace nacelle::async
