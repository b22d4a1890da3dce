// served_wire.h: for fuzzers of servers: all that a client sends, at once and then its end, served
// until the connection has ended.
//
// Home:    the fuzzer's thread, which becomes the loop's.
// Errors:  aborts when the connection does not end, or the sockets cannot be had.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "async/loop.h"
#include "net/http1/server_connection.h"
#include "net/http1/server_context.h"

namespace nacelle::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Fuzzed clients leave much unfinished: nobody waits long for them.
inline net::http::HttpServerConfig impatient_config() {
  net::http::HttpServerConfig config;
  config.write_stall_timeout = std::chrono::milliseconds(8);
  config.body_timeout = std::chrono::milliseconds(8);
  return config;
}

inline async::Task<void> serve_connection(std::shared_ptr<net::http1::ServerContext> context,
                                          int fd) {
  net::Socket socket(context->loop.executor());
  boost::system::error_code error;
  socket.assign(boost::asio::ip::tcp::v4(), fd, error);
  require(!error);
  context->counters->open.fetch_add(1);
  const net::TcpEndpoint peer;
  auto connection =
      std::make_unique<net::http1::ServerConnection>(context, std::move(socket), peer);
  co_await net::http1::ServerConnection::serve(std::move(connection));
  context->loop.stop();
}

inline void serve_wire(const std::shared_ptr<net::http1::ServerContext>& context,
                       std::string_view wire) {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const int room = 1 << 20;
  (void)::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  require(::send(ends[0], wire.data(), wire.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(wire.size()));
  (void)::shutdown(ends[0], SHUT_WR);
  context->loop.context().restart();
  context->loop.spawn(serve_connection(context, ends[1]));
  context->loop.run();
  require(context->num_connections == 0);
  ::close(ends[0]);
}

}  // namespace nacelle::fuzz
