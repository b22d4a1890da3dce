// server_context.h: what the connections of one loop share.
//
// Home:    one loop; the counters are read from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "async/event.h"
#include "async/loop.h"
#include "net/http/server.h"
#include "net/http1/head_parser.h"

namespace nacelle::net::http1 {

class ServerConnection;

// Of the whole server, over all loops.
struct ServerCounters {
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> requests_refused{0};
  std::atomic<std::uint64_t> tls_handshaking{0};  // now
  std::atomic<std::uint64_t> tls_handshakes{0};
  std::atomic<std::uint64_t> tls_failures{0};
  std::atomic<std::uint64_t> tls_refused{0};
};

// "Sun, 06 Nov 1994 08:49:37 GMT", made once per second.
class DateCache {
 public:
  [[nodiscard]] std::string_view now();

 private:
  std::time_t second_ = -1;
  char text_[30] = {};
};

struct ServerContext {
  ServerContext(async::Loop& home, const http::HttpServerConfig& settings, http::Handler serve,
                http::RefusalFormatter format, std::shared_ptr<ServerCounters> shared)
      : loop(home),
        config(settings),
        handler(std::move(serve)),
        refusal(std::move(format)),
        counters(std::move(shared)),
        changed(home) {
    limits.max_bytes = config.max_head_bytes;
    limits.max_fields = config.max_header_count;
    limits.allow_http10 = config.allow_http10;
  }

  async::Loop& loop;
  const http::HttpServerConfig config;
  const http::Handler handler;
  const http::RefusalFormatter refusal;
  HeadLimits limits;
  std::shared_ptr<ServerCounters> counters;

  DateCache date;
  ServerConnection* first = nullptr;  // all open connections
  std::size_t num_connections = 0;
  bool draining = false;
  async::Event changed;  // pulsed when a connection ended
};

}  // namespace nacelle::net::http1
