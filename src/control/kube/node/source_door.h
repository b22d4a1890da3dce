// source_door.h: where the loops of an API server ask something that lives on the agents' loop.
//
// Home:    attach() and detach() on the agents' loop; ask() on the loop that it is given.
// Errors:  ask(): unavailable while nothing is attached, deadline_exceeded when the agents' loop
// does
//          not answer within kPatience.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/mailbox.h"
#include "async/task.h"

namespace nacelle::control::node {

template <class Source>
class SourceDoor {
 public:
  // The agents' loop answers within a turn; when it does not, something holds it.
  static constexpr Duration kPatience = 10s;

  // `source` is asked on `loop` until detach().
  void attach(async::Loop& loop, Source& source) {
    std::lock_guard lock(mutex_);
    source_ = &source;
    home_ = &loop;
  }
  void detach() {
    std::lock_guard lock(mutex_);
    home_ = nullptr;
    source_ = nullptr;
  }

  // Calls `question` with the source on its loop: Result<T>(Source&). The door is held meanwhile.
  template <class T, class Question>
  [[nodiscard]] static async::Task<Result<T>> ask(std::shared_ptr<SourceDoor> door,
                                                  async::Loop* here, Question question) {
    auto answer = std::make_shared<async::Mailbox<Result<T>>>(*here, 1);
    {
      std::lock_guard lock(door->mutex_);
      if (door->home_ == nullptr) co_return gone();
      door->home_->post([door, answer, question = std::move(question)]() mutable {
        Source* source = door->source_;
        (void)answer->post(source == nullptr ? Result<T>(gone()) : question(*source));
      });
    }
    std::vector<Result<T>> batch;
    const TimePoint deadline = std::chrono::steady_clock::now() + kPatience;
    CO_RETURN_IF_ERROR(co_await answer->receive(batch, deadline));
    co_return std::move(batch.front());
  }

 private:
  static Status gone() { return unavailable("the node is not running"); }

  std::mutex mutex_;
  async::Loop* home_ = nullptr;  // guarded; null while detached
  Source* source_ = nullptr;     // of the home loop
};

}  // namespace nacelle::control::node
