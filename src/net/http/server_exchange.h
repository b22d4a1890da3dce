// server_exchange.h: one request and its response, as a handler sees them.
//
//   Task<void> hello(ServerExchange& exchange) {
//     ResponseHead head;
//     head.headers.add("content-type", "text/plain");
//     (void)co_await exchange.respond(head, "hello\n");
//   }
//
// Streaming: start(head), write(chunk)..., finish(). write() returns when the kernel took the
// bytes, so a slow client slows the handler and memory stays bounded.
//
// A handler that returns without answering sends 500; one that returns between start() and finish()
// breaks the connection, so that the client sees a truncated answer and not a complete one.
//
// Home:    the connection's loop. The exchange lives until the handler returned.
// Errors:  after the client left or the connection broke every operation returns cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/body_sink.h"
#include "net/http/message.h"
#include "net/tls/info.h"

namespace nacelle::net::http {

class ServerExchange {
 public:
  virtual ~ServerExchange() = default;

  // A forwarder may edit the head in place.
  [[nodiscard]] virtual RequestHead& request() = 0;
  [[nodiscard]] virtual const TcpEndpoint& peer() const = 0;
  [[nodiscard]] virtual async::Loop& loop() = 0;
  // What TLS agreed on and the client's certificate; nullptr over plain TCP.
  [[nodiscard]] virtual const TlsInfo* tls() const { return nullptr; }

  // The declared length: 0 when the request has no body, nullopt when it is chunked.
  [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;

  // The next piece of the body, decoded; empty at the end. Valid until the next read. The first
  // read answers `Expect: 100-continue`.
  // Errors: invalid_argument (bad chunk framing), deadline_exceeded (body timeout), cancelled.
  [[nodiscard]] virtual async::Task<Result<std::string_view>> read_chunk() = 0;
  // What read_chunk() would return without waiting, at less cost; nullopt when it has to wait or
  // would fail, and always where this saves nothing.
  [[nodiscard]] virtual std::optional<std::string_view> ready_chunk() { return std::nullopt; }

  // The whole body. out_of_range beyond `limit` bytes: answer 413; a declared length above the
  // limit fails before anything is read.
  [[nodiscard]] virtual async::Task<Result<std::string>> read_body(std::size_t limit) = 0;

  // Lets `sink` use the body and sends its replies as pieces of the started response. True once the
  // sink left something, which the next read or feed begins with; false at the end of the body.
  // The client gets window for what was used only when the replies to it have left, so one that
  // does not read them is stopped by the windows that bound unread bodies. Replies that the client
  // does not read for write_stall_timeout (at most twice that, when it read earlier ones) reset
  // the stream.
  // Errors: those of read_chunk(); failed_precondition but for a streamed response over HTTP/2.
  [[nodiscard]] virtual async::Task<Result<bool>> feed(BodySink& sink);

  // The fields behind the body, complete once read_chunk() returned an empty piece. Always empty
  // for HTTP/1, whose trailers are checked and dropped.
  [[nodiscard]] virtual const Headers& request_trailers() const;

  // Sends the head and the whole body. Adds Content-Length, Date and, where needed, Connection.
  // The head is serialised before this returns; `body` must live until the task ended.
  [[nodiscard]] virtual async::Task<Status> respond(const ResponseHead& head,
                                                    std::string_view body) = 0;

  // Begins a streamed response: chunked for HTTP/1.1, until close for HTTP/1.0; a Content-Length in
  // the head is honoured instead, and then write() counts against it.
  // The head leaves together with the first write() or finish(), as one packet, or by itself when
  // this turn of the loop ends without one.
  [[nodiscard]] virtual async::Task<Status> start(const ResponseHead& head) = 0;
  // Sends one piece as one chunk in one system call. `data` must live until the task ended. An
  // empty piece only flushes the head.
  [[nodiscard]] virtual async::Task<Status> write(std::string_view data) = 0;
  // Ends the response; `last` is a last piece that leaves in the same system call.
  [[nodiscard]] virtual async::Task<Status> finish(std::string_view last = {}) = 0;
  // Ends the response with trailer fields, which are copied. HTTP/1 ends it without them.
  [[nodiscard]] virtual async::Task<Status> finish_with_trailers(const Headers& trailers,
                                                                 std::string_view last = {});

  // Sends an interim response (103); ignored for HTTP/1.0.
  [[nodiscard]] virtual async::Task<Status> inform(const ResponseHead& head) = 0;

  [[nodiscard]] virtual bool started() const = 0;   // respond() or start() was called
  [[nodiscard]] virtual bool finished() const = 0;  // the response is complete

  // True once the client closed its side or reset the connection. A client that only shut down its
  // sending side counts as gone, as in Envoy and uvicorn; an answer is still sent if one is made.
  [[nodiscard]] virtual bool client_gone() const = 0;
  // Calls back once on the loop when the client goes, also while nothing is read or written; in the
  // next turn when it has already gone. An empty function takes the callback back. The callback
  // must not destroy the exchange.
  // Departure is noticed behind at most one buffer (8 KiB) of pipelined bytes or unread body.
  virtual void on_client_gone(std::function<void()> callback) = 0;

  // Ends the read_chunk() or feed() that waits, or else the next one that would wait, with
  // kCancelled: for an owner that has something to say meanwhile. What comes later can still be
  // read. On the loop. Without effect in HTTP/1, where nothing is said before the request was read.
  virtual void interrupt_read() {}

  // The connection closes after this response. Without effect in HTTP/2, where the streams of a
  // connection do not share the request's framing.
  virtual void close_after() = 0;
  // Breaks the connection at once, without a last chunk, or resets the HTTP/2 stream: how a
  // forwarder reports that its upstream failed in mid-stream.
  virtual void abort() = 0;
};

}  // namespace nacelle::net::http
