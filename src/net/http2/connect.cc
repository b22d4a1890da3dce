#include "net/http2/connect.h"

#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "async/deadline.h"

namespace nacelle::net::http2 {

namespace {

// Closes the socket that is connecting when the deadline passes.
struct Limit {
  Limit(async::Loop& loop, TimePoint at) : deadline(loop, &Limit::expire, this) {
    if (at != async::kNoDeadline) deadline.arm(at);
  }
  static void expire(void* self) {
    auto* limit = static_cast<Limit*>(self);
    limit->expired = true;
    boost::system::error_code ignored;
    if (limit->socket != nullptr) limit->socket->close(ignored);
  }
  async::Deadline deadline;
  Socket* socket = nullptr;
  bool expired = false;
};

}  // namespace

async::Task<Result<Socket>> connect_any(async::Loop& loop, HostPort name,
                                        std::vector<TcpEndpoint> endpoints, TimePoint deadline) {
  Limit limit(loop, deadline);
  Status failure = unavailable("{} has no address", name.to_string());
  for (const TcpEndpoint& endpoint : endpoints) {
    Socket socket(loop.executor());
    limit.socket = &socket;
    const auto [error] = co_await socket.async_connect(endpoint, async::as_tuple);
    limit.socket = nullptr;
    if (limit.expired)
      co_return deadline_exceeded("connecting to {} took too long", name.to_string());
    if (!error) {
      boost::system::error_code ignored;
      socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
      co_return socket;
    }
    failure = unavailable("cannot connect to {}: {}", name.to_string(), error.message());
  }
  co_return failure;
}

}  // namespace nacelle::net::http2
