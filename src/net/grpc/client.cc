#include "net/grpc/client.h"

#include <utility>

#include "net/grpc/status.h"

namespace nacelle::net::grpc {

ClientCall::ClientCall(http::HttpClient& client)
    : stream_(client), deadline_(client.loop(), &ClientCall::on_deadline, this) {}

void ClientCall::on_deadline(void* self) {
  auto* call = static_cast<ClientCall*>(self);
  call->expired_ = true;
  call->stream_.cancel();
}

Status ClientCall::translate(const Status& status) const {
  if (expired_ && status.code() == Code::kCancelled) {
    return deadline_exceeded("the call's deadline passed");
  }
  return status;
}

async::Task<Status> ClientCall::start(const HostPort& address, std::string_view path,
                                      const CallOptions& options) {
  reader_.emplace(options.max_message_bytes);
  http::RequestHead head;
  head.method = "POST";
  head.target = std::string(path);
  head.headers.add("content-type", "application/grpc");
  head.headers.add("te", "trailers");
  head.headers.add("grpc-accept-encoding", "identity");
  if (options.timeout > Duration::zero()) {
    head.headers.add("grpc-timeout", format_timeout(options.timeout));
    deadline_.arm_after(options.timeout);
  }
  for (const auto& field : options.metadata) head.headers.add(field.name, field.value);
  http::ClientOptions http;
  http.connect_timeout = options.connect_timeout;
  http.tls = options.tls;
  return stream_.start(address, head, http);
}

async::Task<Status> ClientCall::start(const HostPort& address, std::string_view path) {
  return start(address, path, CallOptions());
}

async::Task<Status> ClientCall::write(std::string_view message) {
  framed_.clear();
  append_framed(message, framed_);
  const Status sent = co_await stream_.write(framed_);
  co_return translate(sent);
}

async::Task<Status> ClientCall::finish_writes() { return stream_.finish(); }

async::Task<Result<std::optional<std::string_view>>> ClientCall::read() {
  if (!answered_) {
    const Status answered = co_await stream_.read_head();
    if (!answered.ok()) co_return translate(answered);
    answered_ = true;
    if (stream_.response().status != 200) {
      const http::Headers& head = stream_.response().headers;
      co_return read_status({}, head, stream_.response().status);
    }
  }
  for (;;) {
    Result<std::optional<std::string_view>> message = reader_->next(unread_);
    if (!message.ok()) {
      stream_.cancel();
      co_return message;
    }
    if (message->has_value()) co_return message;
    if (ended_) {
      deadline_.disarm();
      CO_RETURN_IF_ERROR(read_status(stream_.trailers(), stream_.response().headers, 200));
      CO_RETURN_IF_ERROR(reader_->finish());
      co_return std::optional<std::string_view>();
    }
    Result<std::string_view> piece = co_await stream_.read_chunk();
    if (!piece.ok()) co_return translate(piece.error());
    unread_ = *piece;
    ended_ = piece->empty();
  }
}

async::Task<Result<std::string>> call_unary(http::HttpClient& client, HostPort address,
                                            std::string path, std::string request,
                                            CallOptions options) {
  ClientCall call(client);
  CO_RETURN_IF_ERROR(co_await call.start(address, path, options));
  // A server may answer with a status before it has read the request: that is what counts then.
  (void)co_await call.write(request);
  (void)co_await call.finish_writes();
  Result<std::optional<std::string_view>> answer = co_await call.read();
  if (!answer.ok()) co_return answer.error();
  if (!answer->has_value()) co_return internal("the call ended without a message");
  std::string bytes(**answer);
  answer = co_await call.read();
  if (!answer.ok()) co_return answer.error();
  if (answer->has_value()) co_return internal("the call has more than one message");
  co_return bytes;
}

}  // namespace nacelle::net::grpc
