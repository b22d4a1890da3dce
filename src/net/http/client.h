// client.h: an HTTP client with a keep-alive pool per endpoint; one per loop.
//
//   ClientExchange exchange(client);
//   Status sent = co_await exchange.send(address, head, body, options);
//   if (!sent.ok()) ... exchange.stage() says how far it got ...
//   for (;;) {
//     auto chunk = co_await exchange.read_chunk();
//     if (!chunk.ok() || chunk->empty()) break;
//     ...
//   }
//
// The exchange is a value in the caller's coroutine. Its destructor gives the connection back to
// the pool when the response was read to its exact end, and closes it otherwise.
//
// Home:    one loop. cancel() may come from another coroutine of the same loop.
// Errors:  stage() after a failure:
//            kConnecting    nothing was sent: safe to try another endpoint
//                           (unavailable, deadline_exceeded)
//            kSending       the request may have been received in part
//            kAwaitingHead  the peer closed, reset, timed out or talked nonsense before the head
//                           of its response was complete; bytes_received() tells whether
//                           anything came
//            kBody          in mid-body; the head was already handed out
//          Codes: unavailable (connection lost), deadline_exceeded, data_loss (the peer broke HTTP
//          or ended early), cancelled (cancel()), invalid_argument (a header that cannot be sent).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/body_source.h"
#include "net/http/http2_limits.h"
#include "net/http/message.h"
#include "net/tls/client_context.h"
#include "net/tls/info.h"

namespace nacelle::net::http1 {
class ClientCall;
class ClientPool;
}  // namespace nacelle::net::http1

namespace nacelle::net::http2 {
class ClientCall;
class ClientPool;
}  // namespace nacelle::net::http2

namespace nacelle::net::http {

// What is spoken to an address. In the clear HTTP/2 is spoken at once, without asking ("prior
// knowledge"): the server must know it. Over TLS it alone is offered by ALPN, whatever the context
// lists, and a server that does not agree is unavailable.
enum class Protocol : std::uint8_t { kHttp1, kHttp2 };

struct HttpClientConfig {
  std::size_t max_idle_per_endpoint = 256;
  Duration idle_timeout = 50s;             // shorter than common servers' keep-alive timeouts
  std::size_t max_head_bytes = 64 * 1024;  // of a response
  std::size_t max_header_count = 200;
  Duration dns_ttl = 5s;  // resolved names are kept this long
  Http2Limits http2;
};

// A zero duration means no limit.
struct ClientOptions {
  Protocol protocol = Protocol::kHttp1;
  Duration connect_timeout = 5s;  // name lookup, connect and TLS handshake
  Duration head_timeout{};        // request sent to response head complete
  Duration read_idle_timeout{};   // the wait for each piece of the body
  Duration write_timeout = 60s;   // without progress while sending
  // A reused connection that closes before any response byte is retried once on a fresh one. True
  // for requests whose repetition is harmless (for inference: the peer has not begun to answer).
  bool retry_stale = true;
  // Null = plain HTTP. A connection is used again only under the very same context.
  std::shared_ptr<const TlsClientContext> tls;
};

enum class ClientStage : std::uint8_t { kIdle, kConnecting, kSending, kAwaitingHead, kBody, kDone };
[[nodiscard]] std::string_view to_string(ClientStage stage);

class HttpClient {
 public:
  explicit HttpClient(async::Loop& loop, HttpClientConfig config = {});
  ~HttpClient();  // closes idle connections; no exchange may be left
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] async::Loop& loop();
  [[nodiscard]] std::size_t num_idle() const;  // HTTP/1 connections
  [[nodiscard]] std::size_t num_http2_connections() const;
  // Closes the idle connections of an endpoint that went away, plain and TLS.
  void forget(const HostPort& address);

 private:
  friend class ClientExchange;
  friend class ClientStream;
  std::shared_ptr<http1::ClientPool> pool_;   // exchanges keep it
  std::shared_ptr<http2::ClientPool> pool2_;  // connections that many exchanges share
};

class ClientExchange {
 public:
  explicit ClientExchange(HttpClient& client);
  ~ClientExchange();
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;

  // Sends a request and waits for the response head (interim 1xx are skipped). Once per exchange.
  // Adds Content-Length (from `body`), and Host when missing; Transfer-Encoding, Content-Length and
  // Connection of the head are replaced by ours. The head is serialised and the address copied
  // before this returns; the body must live until the task ended. Chunks of a body are sent as they
  // are without being joined.
  [[nodiscard]] async::Task<Status> send(const HostPort& address, const RequestHead& head,
                                         std::string_view body = {}, ClientOptions options = {});
  [[nodiscard]] async::Task<Status> send_chunks(const HostPort& address, const RequestHead& head,
                                                std::span<const std::string_view> body,
                                                ClientOptions options = {});

  // The same with a body that is read while it is sent (HTTP/1.1): chunked when `length` is not
  // known. A failure of the source is returned as it is. Once a piece was taken, a stale connection
  // is not replaced. An answer that comes before the body's end stops the sending.
  [[nodiscard]] async::Task<Status> send_stream(const HostPort& address, const RequestHead& head,
                                                BodySource& body,
                                                std::optional<std::uint64_t> length,
                                                ClientOptions options = {});

  // After send() succeeded. May be edited, for instance by a forwarder.
  [[nodiscard]] ResponseHead& response();
  // The declared length; nullopt when chunked or until close.
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;

  // The next piece of the body, transfer-decoded; empty at the end. Valid until the next read.
  // After deadline_exceeded the connection is closed, or the HTTP/2 stream reset.
  [[nodiscard]] async::Task<Result<std::string_view>> read_chunk();
  // What read_chunk() would return without waiting, at less cost; nullopt when it has to wait or
  // would fail, and always over HTTP/2.
  [[nodiscard]] std::optional<std::string_view> ready_chunk();
  // Of the reads from now on, after send() succeeded: the first piece may deserve more patience.
  void set_read_idle_timeout(Duration timeout);
  // The rest of the body. out_of_range beyond `limit`; the connection is then closed.
  [[nodiscard]] async::Task<Result<std::string>> read_body(std::size_t limit);

  // The fields behind the body, after read_chunk() returned an empty piece. Empty for HTTP/1.
  [[nodiscard]] const Headers& trailers() const;

  // Closes the upstream connection at once, or resets the HTTP/2 stream; pending and later
  // operations return cancelled.
  void cancel();

  // What TLS agreed on, while stage() is kBody; nullptr over plain TCP.
  [[nodiscard]] const TlsInfo* tls() const;

  [[nodiscard]] ClientStage stage() const;
  [[nodiscard]] bool reused_connection() const;
  [[nodiscard]] std::uint64_t bytes_received() const;  // response bytes, head and framing included

 private:
  [[nodiscard]] async::Task<Status> send_http2(const HostPort& address, const RequestHead& head,
                                               std::span<const std::string_view> body,
                                               ClientOptions options);

  std::unique_ptr<http1::ClientCall> call_;
  const std::shared_ptr<http2::ClientPool>* pool2_;  // the client's, which outlives exchanges
  std::unique_ptr<http2::ClientCall> call2_;         // set by send() with Protocol::kHttp2
};

}  // namespace nacelle::net::http
