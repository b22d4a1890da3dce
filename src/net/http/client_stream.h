// client_stream.h: an HTTP/2 request whose body is sent over time, beside its response.
//
//   ClientStream stream(client);
//   Status begun = co_await stream.start(address, head);        // connected, head on its way
//   (void)co_await stream.write(piece);                         // as often as wanted
//   (void)co_await stream.finish();                             // no more from us
//   Status answered = co_await stream.read_head();              // stream.response()
//   for (;;) { auto piece = co_await stream.read_chunk(); ... } // empty at the end
//   stream.trailers()
//
// One coroutine may send while another reads: how gRPC calls with streams both ways work. Streams
// share the pooled connections of their address, which are opened as its server's stream limit
// asks. The destructor resets a stream that is not complete; the connection stays.
//
// Home:    the client's loop. At most one coroutine sends and one reads at a time.
// Errors:  as net/http/client.h. A stream that its server refused unprocessed (REFUSED_STREAM, or a
//          GOAWAY that leaves it out) fails with unavailable and stage() kConnecting: safe to try
//          again elsewhere.
// Bounds:  the response holds Http2Limits::stream_window_bytes that were not read. write() returns
//          when its bytes are framed, which waits for the server's window.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/client.h"
#include "net/http/message.h"

namespace nacelle::net::http {

class ClientStream {
 public:
  explicit ClientStream(HttpClient& client);
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  // Takes a connection and sends the head; `end` when there is no body. Once per stream. The
  // address and the head are copied before this returns. A Content-Length of the head is sent and
  // must be kept; `options.protocol` is taken as kHttp2. Host becomes :authority.
  [[nodiscard]] async::Task<Status> start(const HostPort& address, const RequestHead& head,
                                          ClientOptions options = {}, bool end = false);

  // Sends a piece; it must live until the task ended.
  [[nodiscard]] async::Task<Status> write(std::string_view data);
  // Ends the request body.
  [[nodiscard]] async::Task<Status> finish(std::string_view last = {});

  // Waits for the response head; interim ones are skipped. At most head_timeout from this call.
  [[nodiscard]] async::Task<Status> read_head();
  [[nodiscard]] ResponseHead& response();

  // The next piece of the body; empty at the end. Valid until the next read.
  [[nodiscard]] async::Task<Result<std::string_view>> read_chunk();
  [[nodiscard]] async::Task<Result<std::string>> read_body(std::size_t limit);
  // Complete once read_chunk() returned an empty piece.
  [[nodiscard]] const Headers& trailers() const;

  // Resets the stream; pending and later operations return cancelled.
  void cancel();

  // What TLS agreed on, once start() succeeded; nullptr over plain TCP.
  [[nodiscard]] const TlsInfo* tls() const;
  [[nodiscard]] ClientStage stage() const;
  [[nodiscard]] bool reused_connection() const;

 private:
  std::shared_ptr<http2::ClientPool> pool_;
  std::unique_ptr<http2::ClientCall> call_;
};

}  // namespace nacelle::net::http
