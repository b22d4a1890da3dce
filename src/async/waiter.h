// waiter.h: suspends one coroutine until another party resumes it; the piece below Event and
// Mailbox.
//
// It stores Asio's own resume handle, so that waiting allocates nothing beyond the coroutine frame.
//
// Home:    one loop. At most one coroutine waits at a time.
#pragma once

#include <optional>

#include <boost/asio/async_result.hpp>

#include "async/task.h"

namespace nacelle::async {

class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Suspends until resumed. True when resumed, false when the surrounding task was cancelled.
  [[nodiscard]] Task<bool> wait();

  [[nodiscard]] bool waiting() const { return handler_.has_value(); }

  // Runs the coroutine now, on this stack: only as the last thing of a callback that the loop
  // itself called, because the coroutine may destroy the caller's objects. No-op when none waits.
  void resume() { complete(true); }

  // Runs the coroutine in a turn of its own. No-op when none waits.
  void post_resume() { post_complete(true); }

 private:
  using Token = boost::asio::use_awaitable_t<Executor>;
  using Handler = boost::asio::async_result<Token, void(bool)>::handler_type;

  void complete(bool resumed);
  void post_complete(bool resumed);

  std::optional<Handler> handler_;
};

}  // namespace nacelle::async
