// timer.h: sleeping, and racing a task against a deadline.
//
// Home:    the calling coroutine's loop.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "async/deadline.h"
#include "async/flat_result.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/result.h"

namespace nacelle::async {

// Precise to the microsecond (an Asio timer). Returns early when the surrounding task is cancelled.
[[nodiscard]] Task<void> sleep_for(Duration duration);
[[nodiscard]] Task<void> sleep_until(TimePoint time);

// Awaits `operation`; when the deadline passes first, cancels the wait the operation is in, waits
// for it to unwind, and returns deadline_exceeded naming `what`. Resolution TimerWheel::kTick.
// Result<T> and Status results are passed through flat (async/flat_result.h). Costs two coroutine
// frames: hot paths use a Deadline and close the socket instead.
template <class T>
[[nodiscard]] Task<FlatResult<T>> with_deadline(Task<T> operation, TimePoint deadline,
                                                std::string what);

}  // namespace nacelle::async

#include "async/with_deadline.inl"
