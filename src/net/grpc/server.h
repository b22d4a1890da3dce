// server.h: gRPC methods on an HTTP server.
//
//   grpc::Server methods;
//   methods.add("/pkg.Service/Method", [](grpc::ServerCall& call) { return serve(call); });
//   HttpServer::bind(runtime, config, methods.handler());
//
//   Task<Status> serve(ServerCall& call) {           // unary, or streams in either direction
//     for (;;) {
//       Result<std::optional<std::string_view>> message = co_await call.read();
//       if (!message.ok()) co_return message.error();
//       if (!message->has_value()) co_return Status();
//       CO_RETURN_IF_ERROR(co_await call.write(**message));
//     }
//   }
//
// Messages are bytes here; net/grpc/typed.h reads and writes protobuf objects. A method that gets
// very many small messages gives read() a MessageSink.
//
// Home:    a call lives on its connection's loop. Methods are added before the server listens.
// Errors:  the Status that a method returns becomes grpc-status and grpc-message. A method that
//          does not exist is UNIMPLEMENTED. A call whose grpc-timeout passed is reset.
// Bounds:  one message of max_message_bytes per call in each direction, and the HTTP/2 windows.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "async/deadline.h"
#include "async/task.h"
#include "base/result.h"
#include "net/grpc/framing.h"
#include "net/http/server.h"
#include "net/http/server_exchange.h"

namespace nacelle::net::grpc {

struct ServerConfig {
  std::size_t max_message_bytes = kDefaultMaxMessageBytes;
};

// Answers messages in the turn of the loop in which they arrive (net/http/body_sink.h): no
// coroutine is resumed for them, and the replies to all that came together leave together.
class MessageSink {
 public:
  virtual ~MessageSink() = default;

  // Appends the replies, framed, to `replies`. False: the message is for the caller of read(), and
  // nothing was done or appended for it. Must not wait and must not use the call.
  [[nodiscard]] virtual bool take(std::string_view message, std::string& replies) = 0;
};

class ServerCall : private http::BodySink {
 public:
  ServerCall(http::ServerExchange& exchange, const ServerConfig& config);
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;

  [[nodiscard]] std::string_view path() const { return exchange_.request().path(); }
  // What the client sent along: header fields.
  [[nodiscard]] const http::Headers& metadata() const { return exchange_.request().headers; }
  [[nodiscard]] async::Loop& loop() { return exchange_.loop(); }
  [[nodiscard]] const TcpEndpoint& peer() const { return exchange_.peer(); }
  // When the client stops waiting; kNoDeadline without grpc-timeout.
  [[nodiscard]] TimePoint deadline() const { return deadline_at_; }

  // The next message; nullopt when the client has sent its last. Valid until the next read.
  [[nodiscard]] async::Task<Result<std::optional<std::string_view>>> read();
  // The next message that `sink` does not take, in the order in which they came. Before the first
  // write it is not asked, nor always about what came behind a message that it did not take.
  // Bounds, and replies that the client does not read: ServerExchange::feed.
  [[nodiscard]] async::Task<Result<std::optional<std::string_view>>> read(MessageSink& sink);
  // The only message of a call that has exactly one.
  [[nodiscard]] async::Task<Result<std::string_view>> read_only();

  // Ends the read that waits, or else the next one that would wait, with kCancelled. On the loop.
  // The call goes on: it can be written to, and read again.
  void interrupt_read() { exchange_.interrupt_read(); }

  [[nodiscard]] async::Task<Status> write(std::string_view message);
  // Any number of messages, each behind its prefix. They must live until the task ended.
  [[nodiscard]] async::Task<Status> write_framed(std::string_view messages);

  // Sent before the first message, and with the status.
  [[nodiscard]] http::Headers& initial_metadata() { return head_.headers; }
  [[nodiscard]] http::Headers& trailing_metadata() { return trailers_; }

  // The client left or its deadline passed; what is still read or written fails.
  [[nodiscard]] bool cancelled() const { return expired_ || exchange_.client_gone(); }
  // Called once on the loop when that happens. An empty function takes it back.
  void on_cancel(std::function<void()> callback);

 private:
  friend class Server;

  bool take(std::string_view& piece, std::string& replies) override;
  async::Task<Result<std::optional<std::string_view>>> next_message();
  async::Task<Status> begin();
  async::Task<void> finish(Status status);
  Status translate(const Status& status) const;
  static void on_deadline(void* self);

  http::ServerExchange& exchange_;
  MessageReader reader_;
  std::string_view unread_;
  http::ResponseHead head_;
  http::Headers trailers_;
  std::string framed_;
  MessageSink* sink_ = nullptr;
  std::function<void()> on_cancel_;
  TimePoint deadline_at_ = async::kNoDeadline;
  async::Deadline deadline_;
  bool ended_ = false;
  bool expired_ = false;
};

using Method = std::function<async::Task<Status>(ServerCall&)>;

class Server {
 public:
  explicit Server(ServerConfig config = {});

  // `path` is "/package.Service/Method".
  void add(std::string path, Method method);

  // Serves the methods that were added until now. Requests that are not gRPC go to `others`, or get
  // 415.
  [[nodiscard]] http::Handler handler(http::Handler others = {}) const;

 private:
  struct Table {
    ServerConfig config;
    std::unordered_map<std::string, Method> methods;
    http::Handler others;
  };
  static async::Task<void> serve(std::shared_ptr<const Table> table,
                                 http::ServerExchange& exchange);

  Table table_;
};

}  // namespace nacelle::net::grpc
