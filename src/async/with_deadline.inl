// with_deadline.inl: implementation of with_deadline (async/timer.h).
#pragma once

namespace nacelle::async {

namespace detail {

// Shared by the waiting coroutine and the operation, which may outlive each other at shutdown.
template <class T>
struct Race {
  explicit Race(Loop& loop) : deadline(loop, &Race::expire, this) {}

  static void expire(void* self) {
    auto* race = static_cast<Race*>(self);
    race->expired = true;
    race->cancel.emit(boost::asio::cancellation_type::terminal);
  }

  boost::asio::cancellation_signal cancel;
  Deadline deadline;
  Waiter done;
  std::optional<FlatResult<T>> result;
  std::exception_ptr error;
  bool expired = false;
  bool finished = false;
};

inline bool is_ok(const Status& status) { return status.ok(); }
template <class T>
bool is_ok(const Result<T>& result) {
  return result.ok();
}

template <class T>
Task<void> run_in_race(Task<T> operation, std::shared_ptr<Race<T>> race) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(operation);
    race->result.emplace(Status());
  } else {
    race->result.emplace(co_await std::move(operation));
  }
}

}  // namespace detail

template <class T>
Task<FlatResult<T>> with_deadline(Task<T> operation, TimePoint deadline, std::string what) {
  Loop* loop = Loop::current();
  CHECK(loop != nullptr);
  auto race = std::make_shared<detail::Race<T>>(*loop);
  race->deadline.arm(deadline);
  boost::asio::co_spawn(
      loop->executor(), detail::run_in_race<T>(std::move(operation), race),
      boost::asio::bind_cancellation_slot(race->cancel.slot(), [race](std::exception_ptr error) {
        race->deadline.disarm();
        race->error = std::move(error);
        race->finished = true;
        race->done.resume();
      }));
  while (!race->finished) {
    const bool resumed = co_await race->done.wait();
    if (!resumed) {  // we are cancelled: hand it down, the operation ends on its own
      race->deadline.disarm();
      race->cancel.emit(boost::asio::cancellation_type::terminal);
      co_return cancelled("{} was cancelled", what);
    }
  }
  // A result that came although the deadline passed is still a result.
  if (race->result.has_value() && !(race->expired && !detail::is_ok(*race->result))) {
    co_return std::move(*race->result);
  }
  if (race->expired) co_return deadline_exceeded("{} did not finish in time", what);
  std::rethrow_exception(race->error);
}

}  // namespace nacelle::async
