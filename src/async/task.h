// task.h: the coroutine type of every function that waits.
//
//   Task<Status> talk(Stream& stream) { CO_RETURN_IF_ERROR(co_await stream.write(x)); ... }
//
// A Task starts when it is awaited or spawned (Loop::spawn, StopScope::spawn), runs on one loop and
// stays there: only WorkPool::run leaves the loop, and comes back by itself. Parameters are values,
// or references whose owner outlives the await. A lambda coroutine captures nothing.
//
// GCC 12 miscompiles these; name the thing in a statement of its own before the co_await:
//   co_await f(Aggregate{...})         the temporary is destroyed twice
//   co_await pool.run([text] { ... })  the same for a closure that captures by value
//   while (co_await g()) { ... }       the condition
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/frame_memory.h"

namespace nacelle::async {

// The concrete executor, not any_io_executor: it saves the type erasure on every resume.
using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

// Completion tokens for Asio operations: `auto [ec, n] = co_await socket.async_read_some(b,
// as_tuple)` reports errors as values; use_task throws them and is for set-up code only.
inline constexpr boost::asio::use_awaitable_t<Executor> use_task;
inline constexpr boost::asio::as_tuple_t<boost::asio::use_awaitable_t<Executor>> as_tuple{use_task};

}  // namespace nacelle::async
