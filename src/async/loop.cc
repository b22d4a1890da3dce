#include "async/loop.h"

#include <exception>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "base/check.h"

namespace nacelle::async {

namespace {
thread_local Loop* current_loop = nullptr;

using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
}  // namespace

// Sleeps until the wheel's next wake-up. At most one wait is outstanding; moving it cancels the
// old.
struct Loop::Driver {
  explicit Driver(Loop& loop)
      : owner(loop), timer(loop.context_), work(boost::asio::make_work_guard(loop.context_)) {}

  void schedule() {
    const auto wakeup = owner.wheel_.next_wakeup();
    if (!wakeup.has_value()) return;
    timer.expires_at(*wakeup);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // replaced by an earlier one, or the loop ends
      owner.wheel_.advance(std::chrono::steady_clock::now());
      schedule();
    });
  }

  Loop& owner;
  Timer timer;
  boost::asio::executor_work_guard<Executor> work;
};

Loop::Loop(std::size_t index)
    : index_(index),
      wheel_(std::chrono::steady_clock::now()),
      context_(1),  // one thread runs it: posts from that thread skip the wake-up
      driver_(std::make_unique<Driver>(*this)) {}

Loop::~Loop() { CHECK(!is_current()); }

Loop* Loop::current() { return current_loop; }

void Loop::spawn(Task<void> task) {
  // Posted, because co_spawn would run the task inside the caller up to its first suspension.
  boost::asio::post(context_, [this, task = std::move(task)]() mutable {
    boost::asio::co_spawn(context_, std::move(task), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);  // leaves run(), which ends the process
    });
  });
}

void Loop::run() {
  CHECK(current_loop == nullptr);
  current_loop = this;
  context_.run();  // an exception here is a bug: it ends the process with the throwing stack intact
  current_loop = nullptr;
}

void Loop::stop() { context_.stop(); }

void Loop::arm(TimerNode& node, TimePoint deadline) {
  if (wheel_.arm(node, deadline)) driver_->schedule();
}

}  // namespace nacelle::async
