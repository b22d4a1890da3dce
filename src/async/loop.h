// loop.h: one io_context, the one thread that runs it, and its coarse timers.
//
// Everything a connection owns lives on one loop for life, so its objects need no lock.
//
// Home:    post() and spawn() from any thread; the rest on the loop's thread.
// Errors:  an exception that leaves a spawned task is a bug and ends the process with its message.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "async/task.h"
#include "async/timer_wheel.h"

namespace nacelle::async {

class Loop {
 public:
  explicit Loop(std::size_t index = 0);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] Executor executor() { return context_.get_executor(); }

  // Runs `fn` on the loop in its own turn. Any thread.
  template <class F>
  void post(F&& fn) {
    boost::asio::post(context_, std::forward<F>(fn));
  }

  // Starts a task that nobody waits for, in a turn of its own. Any thread. Prefer StopScope, which
  // can be joined.
  void spawn(Task<void> task);

  // Runs until stop(); the calling thread becomes the loop's thread.
  void run();
  // Makes run() return; tasks that are still suspended are destroyed with the loop. Any thread.
  void stop();

  // The loop of the calling thread, or nullptr.
  [[nodiscard]] static Loop* current();
  [[nodiscard]] bool is_current() const { return current() == this; }

  // Coarse deadlines; see Deadline in async/deadline.h for the usual face. Loop thread.
  void arm(TimerNode& node, TimePoint deadline);
  void disarm(TimerNode& node) { wheel_.disarm(node); }

 private:
  struct Driver;  // the Asio timer behind the wheel

  std::size_t index_;
  TimerWheel wheel_;  // outlives the tasks that the context destroys, which unlink their deadlines
  boost::asio::io_context context_;
  std::unique_ptr<Driver> driver_;
};

}  // namespace nacelle::async
