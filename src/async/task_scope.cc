#include "async/task_scope.h"

#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "base/check.h"

namespace nacelle::async {

struct StopScope::Running {
  boost::asio::cancellation_signal cancel;
  Running* prev = nullptr;
  Running* next = nullptr;
  bool started = false;
  bool cancel_early = false;  // cancel() came before the first turn
};

namespace {

bool is_cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

StopScope::StopScope(Loop& loop) : loop_(&loop), stopped_(loop), empty_(loop) { empty_.set(); }

StopScope::~StopScope() { CHECK(size_ == 0); }

void StopScope::spawn(Task<void> task) {
  auto* running = new Running;
  running->next = first_;
  if (first_ != nullptr) first_->prev = running;
  first_ = running;
  ++size_;
  empty_.reset();
  // Posted, because co_spawn would run the task inside the caller up to its first suspension.
  loop_->post([this, running, task = std::move(task)]() mutable {
    running->started = true;
    boost::asio::co_spawn(loop_->executor(), std::move(task),
                          boost::asio::bind_cancellation_slot(
                              running->cancel.slot(), [this, running](std::exception_ptr error) {
                                ended(running);
                                if (error && !is_cancellation(error)) std::rethrow_exception(error);
                              }));
    // Still valid: ended() frees it in a later turn.
    if (running->cancel_early) running->cancel.emit(boost::asio::cancellation_type::terminal);
  });
}

void StopScope::ended(Running* running) {
  (running->prev != nullptr ? running->prev->next : first_) = running->next;
  if (running->next != nullptr) running->next->prev = running->prev;
  // Asio still holds the signal's slot while it reports completion.
  loop_->post([running] { delete running; });
  if (--size_ == 0) empty_.set();
}

void StopScope::cancel() {
  stop();
  // Waits that end inline could unlink their node: take the successor first.
  for (Running* running = first_; running != nullptr;) {
    Running* following = running->next;
    if (running->started) {
      running->cancel.emit(boost::asio::cancellation_type::terminal);
    } else {
      running->cancel_early = true;
    }
    running = following;
  }
}

Task<void> StopScope::join() {
  while (size_ > 0) (void)co_await empty_.wait();
}

Task<bool> StopScope::sleep(Duration duration) {
  const TimePoint until = std::chrono::steady_clock::now() + duration;
  const Status woken = co_await stopped_.wait(until);
  co_return woken.code() == Code::kDeadlineExceeded;
}

}  // namespace nacelle::async
