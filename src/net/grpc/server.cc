#include "net/grpc/server.h"

#include <utility>

#include "net/grpc/status.h"

namespace nacelle::net::grpc {

namespace {

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (content_type.size() < kType.size()) return false;
  if (!http::equals_ignore_case(content_type.substr(0, kType.size()), kType)) return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';';
}

}  // namespace

ServerCall::ServerCall(http::ServerExchange& exchange, const ServerConfig& config)
    : exchange_(exchange),
      reader_(config.max_message_bytes),
      deadline_(exchange.loop(), &ServerCall::on_deadline, this) {
  const http::Headers& fields = exchange.request().headers;
  head_.headers.add("content-type", fields.get("content-type", "application/grpc"));
  head_.headers.add("grpc-accept-encoding", "identity");
  if (const auto timeout = fields.find("grpc-timeout"); timeout.has_value()) {
    if (const auto parsed = parse_timeout(*timeout); parsed.has_value()) {
      deadline_at_ = std::chrono::steady_clock::now() + *parsed;
      deadline_.arm(deadline_at_);
    }
  }
}

void ServerCall::on_deadline(void* self) {
  auto* call = static_cast<ServerCall*>(self);
  call->expired_ = true;
  call->exchange_.abort();
  if (const auto callback = std::exchange(call->on_cancel_, nullptr)) callback();
}

void ServerCall::on_cancel(std::function<void()> callback) {
  on_cancel_ = std::move(callback);
  if (!on_cancel_) {
    exchange_.on_client_gone(nullptr);
    return;
  }
  exchange_.on_client_gone([this] {
    if (const auto told = std::exchange(on_cancel_, nullptr)) told();
  });
}

Status ServerCall::translate(const Status& status) const {
  if (expired_ && status.code() == Code::kCancelled) {
    return deadline_exceeded("the call's deadline passed");
  }
  return status;
}

async::Task<Result<std::optional<std::string_view>>> ServerCall::read() {
  sink_ = nullptr;
  return next_message();
}

async::Task<Result<std::optional<std::string_view>>> ServerCall::read(MessageSink& sink) {
  sink_ = exchange_.started() ? &sink : nullptr;
  return next_message();
}

async::Task<Result<std::optional<std::string_view>>> ServerCall::next_message() {
  for (;;) {
    Result<std::optional<std::string_view>> message = reader_.next(unread_);
    if (!message.ok() || message->has_value()) co_return message;
    if (ended_) {
      CO_RETURN_IF_ERROR(reader_.finish());
      co_return std::optional<std::string_view>();
    }
    if (sink_ != nullptr) {
      const Result<bool> left = co_await exchange_.feed(*this);
      if (!left.ok()) co_return translate(left.error());
      ended_ = !*left;
      continue;
    }
    Result<std::string_view> piece = co_await exchange_.read_chunk();
    if (!piece.ok()) co_return translate(piece.error());
    unread_ = *piece;
    ended_ = piece->empty();
  }
}

// What ends the reading, a message for the caller or an error, the reader tells once more.
bool ServerCall::take(std::string_view& piece, std::string& replies) {
  for (;;) {
    const Result<std::optional<std::string_view>> message = reader_.next(piece);
    if (!message.ok()) return false;
    if (!message->has_value()) return true;
    if (sink_->take(**message, replies)) continue;
    reader_.put_back(**message);
    return false;
  }
}

async::Task<Result<std::string_view>> ServerCall::read_only() {
  Result<std::optional<std::string_view>> message = co_await read();
  if (!message.ok()) co_return message.error();
  if (!message->has_value()) co_return invalid_argument("the call has no message");
  co_return **message;
}

async::Task<Status> ServerCall::begin() {
  if (exchange_.started()) co_return Status();
  co_return co_await exchange_.start(head_);
}

async::Task<Status> ServerCall::write(std::string_view message) {
  CO_RETURN_IF_ERROR(co_await begin());
  framed_.clear();
  append_framed(message, framed_);
  const Status sent = co_await exchange_.write(framed_);
  co_return translate(sent);
}

async::Task<Status> ServerCall::write_framed(std::string_view messages) {
  CO_RETURN_IF_ERROR(co_await begin());
  const Status sent = co_await exchange_.write(messages);
  co_return translate(sent);
}

async::Task<void> ServerCall::finish(Status status) {
  deadline_.disarm();
  on_cancel_ = nullptr;
  const Status begun = co_await begin();
  if (!begun.ok()) co_return;
  add_status(trailers_, status);
  (void)co_await exchange_.finish_with_trailers(trailers_);
}

Server::Server(ServerConfig config) { table_.config = config; }

void Server::add(std::string path, Method method) {
  table_.methods.insert_or_assign(std::move(path), std::move(method));
}

http::Handler Server::handler(http::Handler others) const {
  auto table = std::make_shared<Table>(table_);
  table->others = std::move(others);
  return [table = std::shared_ptr<const Table>(std::move(table))](http::ServerExchange& exchange) {
    return serve(table, exchange);
  };
}

async::Task<void> Server::serve(std::shared_ptr<const Table> table,
                                http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  if (!is_grpc(request.headers.get("content-type"))) {
    if (table->others) {
      co_await table->others(exchange);
      co_return;
    }
    http::ResponseHead head;
    head.status = 415;
    (void)co_await exchange.respond(head, "only application/grpc is served here\n");
    co_return;
  }
  // Trailers carry the status, which HTTP/1 does not send.
  if (request.version != http::Version::kHttp2 || request.method != "POST") {
    http::ResponseHead head;
    head.status = request.method != "POST" ? 405 : 426;
    (void)co_await exchange.respond(head, "gRPC is POST over HTTP/2\n");
    co_return;
  }
  ServerCall call(exchange, table->config);
  const auto found = table->methods.find(std::string(request.path()));
  Status status;
  if (found != table->methods.end()) {
    status = co_await found->second(call);
  } else {
    status = unimplemented("there is no method {}", request.path());
  }
  co_await call.finish(std::move(status));
}

}  // namespace nacelle::net::grpc
