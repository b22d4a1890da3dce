#include "async/waiter.h"

#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>

#include "async/loop.h"
#include "base/check.h"

namespace nacelle::async {

Task<bool> Waiter::wait() {
  CHECK(!handler_.has_value());
  return boost::asio::async_initiate<const Token, void(bool)>(
      [this](auto handler) {
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        handler_.emplace(std::move(handler));
        if (slot.is_connected()) {
          slot.assign([this](boost::asio::cancellation_type) {
            // Not inline: emit() is still running inside the signal that resuming would clear.
            if (handler_.has_value()) post_complete(false);
          });
        }
      },
      use_task);
}

void Waiter::complete(bool resumed) {
  if (!handler_.has_value()) return;
  Handler handler = std::move(*handler_);
  handler_.reset();  // the coroutine may wait again, or destroy this object
  std::move(handler)(resumed);
}

void Waiter::post_complete(bool resumed) {
  if (!handler_.has_value()) return;
  Handler handler = std::move(*handler_);
  handler_.reset();
  auto executor = handler.get_executor();
  boost::asio::post(
      executor, [handler = std::move(handler), resumed]() mutable { std::move(handler)(resumed); });
}

}  // namespace nacelle::async
