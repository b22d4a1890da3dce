// typed.h: gRPC messages as protobuf objects.
//
//   Result<std::optional<Request>> request = co_await read_message<Request>(call);
//   CO_RETURN_IF_ERROR(co_await write_message(call, response));
//   methods.add(path, unary<Request, Response>(function));
//
// Errors:  invalid_argument for bytes that are no such message (the limit on their size is the
//          call's).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <google/protobuf/message_lite.h>

#include "net/grpc/server.h"

namespace nacelle::net::grpc {

template <class Message>
Result<Message> parse_message(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return invalid_argument("the message of {} bytes is not a {}", bytes.size(),
                            message.GetTypeName());
  }
  return message;
}

// The next message of a call (server or client); nullopt at the end.
template <class Message, class Call>
async::Task<Result<std::optional<Message>>> read_message(Call& call) {
  Result<std::optional<std::string_view>> bytes = co_await call.read();
  if (!bytes.ok()) co_return bytes.error();
  if (!bytes->has_value()) co_return std::optional<Message>();
  Result<Message> message = parse_message<Message>(**bytes);
  if (!message.ok()) co_return message.error();
  co_return std::optional<Message>(std::move(*message));
}

// Serialises once, behind the prefix.
inline void append_framed(const google::protobuf::MessageLite& message, std::string& to) {
  const std::size_t begin = to.size();
  to.append(kPrefixBytes, '\0');
  message.AppendToString(&to);
  write_prefix(to.data() + begin, to.size() - begin - kPrefixBytes);
}

// The message is serialised before this waits.
inline async::Task<Status> write_message(ServerCall& call,
                                         const google::protobuf::MessageLite& message) {
  std::string framed;
  append_framed(message, framed);
  co_return co_await call.write_framed(framed);
}

// A method of one message each way, from a function that may wait.
template <class Request, class Response>
Method unary(std::function<async::Task<Result<Response>>(ServerCall&, Request)> function) {
  struct Serve {
    static async::Task<Status> run(
        ServerCall& call,
        const std::function<async::Task<Result<Response>>(ServerCall&, Request)>& function) {
      Result<std::string_view> bytes = co_await call.read_only();
      if (!bytes.ok()) co_return bytes.error();
      Result<Request> request = parse_message<Request>(*bytes);
      if (!request.ok()) co_return request.error();
      Result<Response> response = co_await function(call, std::move(*request));
      if (!response.ok()) co_return response.error();
      co_return co_await write_message(call, *response);
    }
  };
  return [function = std::move(function)](ServerCall& call) { return Serve::run(call, function); };
}

}  // namespace nacelle::net::grpc
