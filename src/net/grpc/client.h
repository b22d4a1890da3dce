// client.h: gRPC calls, unary or with streams in either direction.
//
//   grpc::ClientCall call(client);
//   co_await call.start(address, "/pkg.Service/Method", options);
//   co_await call.write(request); co_await call.finish_writes();
//   for (;;) { auto message = co_await call.read(); ... nullopt at the end }
//
// Home:    the client's loop. At most one coroutine writes and one reads.
// Errors:  read() reports the status with which the server ended the call, its code as
// base/status.h
//          knows it; a call that ended well gives nullopt. unavailable with
//          stage() kConnecting: nothing was processed, try again.
// Bounds:  one message of max_message_bytes, and the HTTP/2 windows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "async/deadline.h"
#include "async/task.h"
#include "base/result.h"
#include "net/address.h"
#include "net/grpc/framing.h"
#include "net/http/client_stream.h"

namespace nacelle::net::grpc {

struct CallOptions {
  Duration timeout{};  // of the whole call; zero means none
  Duration connect_timeout = 5s;
  std::size_t max_message_bytes = kDefaultMaxMessageBytes;
  std::shared_ptr<const TlsClientContext> tls;  // null = in the clear
  http::Headers metadata;
};

class ClientCall {
 public:
  explicit ClientCall(http::HttpClient& client);
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

  [[nodiscard]] async::Task<Status> start(const HostPort& address, std::string_view path,
                                          const CallOptions& options);
  [[nodiscard]] async::Task<Status> start(const HostPort& address, std::string_view path);
  [[nodiscard]] async::Task<Status> write(std::string_view message);
  [[nodiscard]] async::Task<Status> finish_writes();

  // The next message; nullopt when the call ended with status OK. Valid until the next read.
  [[nodiscard]] async::Task<Result<std::optional<std::string_view>>> read();

  [[nodiscard]] const http::Headers& initial_metadata() { return stream_.response().headers; }
  [[nodiscard]] const http::Headers& trailing_metadata() const { return stream_.trailers(); }
  [[nodiscard]] http::ClientStage stage() const { return stream_.stage(); }
  void cancel() { stream_.cancel(); }

 private:
  Status translate(const Status& status) const;
  static void on_deadline(void* self);

  http::ClientStream stream_;
  async::Deadline deadline_;
  std::optional<MessageReader> reader_;
  std::string_view unread_;
  std::string framed_;
  bool answered_ = false;
  bool ended_ = false;
  bool expired_ = false;
};

// One message there, one back.
[[nodiscard]] async::Task<Result<std::string>> call_unary(http::HttpClient& client,
                                                          HostPort address, std::string path,
                                                          std::string request,
                                                          CallOptions options = {});

}  // namespace nacelle::net::grpc
