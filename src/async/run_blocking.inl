// run_blocking.inl: implementation of run_blocking (async/runtime.h).
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/check.h"

namespace nacelle::async {

namespace detail {

template <class T>
Task<void> fulfil(Task<T> task, std::promise<T>* promise) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      promise->set_value();
    } else {
      promise->set_value(co_await std::move(task));
    }
  } catch (...) {
    promise->set_exception(std::current_exception());
  }
}

}  // namespace detail

template <class T>
T run_blocking(Loop& loop, Task<T> task) {
  CHECK(Loop::current() == nullptr);
  std::promise<T> promise;
  std::future<T> future = promise.get_future();
  boost::asio::co_spawn(loop.executor(), detail::fulfil<T>(std::move(task), &promise),
                        boost::asio::detached);
  return future.get();
}

}  // namespace nacelle::async
