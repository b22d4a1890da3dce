// server.h: an HTTP server on all loops of a runtime.
//
//   auto server = HttpServer::bind(runtime, config, handler);   // the port is ours, refuses
//   clients
//   (*server)->listen();                                        // now it answers
//   co_await (*server)->drain(deadline);                        // or run_blocking(loop, ...)
//
// Each loop accepts for itself and a connection stays on its loop. One coroutine serves a
// connection: read head, run handler, next; while the handler runs, one read stays outstanding that
// notices a departing client and collects pipelined bytes.
//
// Home:    any thread, except where said.
// Bounds:  max_connections over all loops (beyond it a connection gets 503 and is closed); per
// connection
//          max_head_bytes plus one read buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "async/runtime.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/http2_limits.h"
#include "net/http/server_exchange.h"
#include "net/tls/server_context.h"

namespace nacelle::net::http {

// A zero duration means no limit.
struct HttpServerConfig {
  HostPort address;                        // port 0: the kernel chooses
  std::size_t max_head_bytes = 60 * 1024;  // request line and headers: 431 beyond
  std::size_t max_header_count = 100;      // 431 beyond
  Duration head_timeout = 15s;             // first byte to end of head: 408
  Duration body_timeout = 30s;             // without progress while a handler reads
  Duration keep_alive_timeout = 60s;       // idle between requests: close
  Duration write_stall_timeout = 60s;      // a write without progress: break the connection
  std::size_t max_connections = 20000;
  std::size_t max_drain_bytes = 256 * 1024;  // unread body swallowed to keep the connection
  bool allow_http10 = true;                  // else 426
  std::string server_name;                   // Server header; "" = none
  int backlog = 1024;
  std::shared_ptr<TlsServerSource> tls;  // null = plain HTTP
  Duration tls_handshake_timeout = 10s;
  std::size_t max_tls_handshakes = 1024;  // in flight over all loops; beyond: close
  // Connections that begin with the HTTP/2 preface, in the clear or after TLS, are served as HTTP/2
  // (when false, leave "h2" out of the TLS configuration's `alpn`, too); head, body, keep-alive and
  // stall bounds above hold for each stream.
  bool allow_http2 = true;
  Http2Limits http2;
};

// Called for each request. Must not be a capturing lambda coroutine: capture in a plain lambda that
// calls a coroutine function with what it needs.
using Handler = std::function<async::Task<void>(ServerExchange&)>;

// Turns requests that never reach a handler (400, 408, 414, 431, 501, 503, 505) and unanswered ones
// (500) into a body in the owner's dialect. The default is text/plain with the reason.
struct RefusalBody {
  std::string content_type;
  std::string body;
};
using RefusalFormatter = std::function<RefusalBody(int status, std::string_view reason)>;

struct HttpServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  // over max_connections
  std::uint64_t requests = 0;             // handed to the handler
  std::uint64_t requests_refused = 0;     // answered by the server itself
  std::uint64_t tls_handshakes = 0;       // completed
  std::uint64_t tls_failures = 0;         // failed or too slow
  std::uint64_t tls_refused = 0;          // over max_tls_handshakes
};

class HttpServer {
 public:
  // Takes the port and refuses connections until listen(). Errors: see Listener::bind.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> bind(async::Runtime& runtime,
                                                                HttpServerConfig config,
                                                                Handler handler,
                                                                RefusalFormatter refusal = {});
  // The runtime must outlive the server. Breaks the connections that are left: await drain()
  // before.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const TcpEndpoint& endpoint() const;

  // Starts accepting; the runtime must be running.
  Status listen();

  // Stops accepting, closes idle connections, lets requests in flight end with Connection: close.
  // At the deadline the rest is broken, which handlers see as a departed client. Returns ok when
  // all ended, deadline_exceeded when a handler has still not returned one second later. On any
  // loop.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

  [[nodiscard]] HttpServerStats stats() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::net::http
