#include "async/timer.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace nacelle::async {

Task<void> sleep_until(TimePoint time) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(executor, time);
  (void)co_await timer.async_wait(as_tuple);
}

Task<void> sleep_for(Duration duration) {
  return sleep_until(std::chrono::steady_clock::now() + duration);
}

}  // namespace nacelle::async
