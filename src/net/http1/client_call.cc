#include "net/http1/client_call.h"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/check.h"
#include "net/http1/serialize.h"
#include "net/tls/session.h"

namespace nacelle::net::http1 {

using http::ClientStage;

namespace {

TimePoint deadline_after(Duration duration) {
  return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration
                                     : async::kNoDeadline;
}

}  // namespace

ClientCall::ClientCall(async::Loop& loop)
    : connect_deadline_(loop, &ClientCall::on_connect_deadline, this) {
  parsed_.head = &response_;
}

void ClientCall::begin(std::shared_ptr<ClientPool> pool) {
  pool_ = std::move(pool);
  body_.clear();
  head_bytes_.clear();
  options_.tls.reset();
  response_.clear();
  parsed_.body = {};
  received_earlier_ = received_before_ = 0;
  source_ = nullptr;
  source_length_.reset();
  source_begun_ = source_failed_ = upload_cut_ = false;
  stage_ = ClientStage::kIdle;
  reused_ = cancelled_ = connect_timed_out_ = false;
}

std::shared_ptr<ClientPool> ClientCall::end() {
  if (connection_ != nullptr) {
    if (stage_ == ClientStage::kBody && reader_.done()) {
      give_back_connection();
    } else {
      give_up_connection();
    }
  }
  return std::move(pool_);
}

Status ClientCall::prepare(const HostPort& address, const http::RequestHead& head,
                           std::span<const std::string_view> body,
                           const http::ClientOptions& options) {
  CHECK(stage_ == ClientStage::kIdle);
  address_ = address;
  options_ = options;
  method_ = head.method;
  std::size_t length = 0;
  for (std::string_view piece : body) {
    if (piece.empty()) continue;
    length += piece.size();
    body_.push_back(piece);
  }
  // RFC 9110 section 8.6: a method that anticipates content says so even when there is none.
  std::optional<std::uint64_t> content_length;
  const bool bodiless = head.method == "GET" || head.method == "HEAD" || head.method == "DELETE" ||
                        head.method == "OPTIONS";
  if (length > 0 || !bodiless) content_length = length;
  const std::string host = head.headers.contains("host") ? std::string() : address.to_string();
  return append_request_head(head_bytes_, head, host, content_length);
}

void ClientCall::give_up_connection() {
  if (connection_ == nullptr) return;
  received_earlier_ += connection_->stream.bytes_read() - received_before_;
  ClientPool::retire(std::move(connection_));
}

// After the body was read to its exact end.
void ClientCall::give_back_connection() {
  if (connection_ == nullptr) return;
  reader_.release();
  stage_ = ClientStage::kDone;
  if (!parsed_.keep_alive || cancelled_) {
    give_up_connection();
    return;
  }
  received_earlier_ += connection_->stream.bytes_read() - received_before_;
  pool_->release(std::move(connection_));
}

async::Task<Status> ClientCall::run() {
  connection_ = pool_->acquire(address_, options_.tls.get());
  reused_ = connection_ != nullptr;
  for (;;) {
    Status status = co_await attempt();
    if (status.ok()) co_return status;
    const bool nothing_came =
        connection_ != nullptr && connection_->stream.bytes_read() == received_before_;
    give_up_connection();
    if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
    const bool stale = reused_ && nothing_came && status.code() == Code::kUnavailable;
    if (!stale || !options_.retry_stale || source_begun_) co_return status;
    reused_ = false;  // the peer closed an idle connection just now: once more on a fresh one
  }
}

async::Task<Status> ClientCall::attempt() {
  if (connection_ == nullptr) {
    stage_ = ClientStage::kConnecting;
    CO_RETURN_IF_ERROR(co_await connect());
  }
  received_before_ = connection_->stream.bytes_read();
  stage_ = ClientStage::kSending;
  Gather pieces;
  pieces.add(head_bytes_);
  std::size_t next = 0;
  Status sent = send_at_once(pieces, next);
  if (sent.ok() && !pieces.empty()) sent = co_await send_rest(pieces, next);
  if (sent.ok() && source_ != nullptr) sent = co_await send_source();
  if (source_failed_) co_return sent;
  if (sent.code() == Code::kDeadlineExceeded) co_return sent;
  stage_ = ClientStage::kAwaitingHead;
  // A peer that refuses a large body may answer and close before it has read all: look for that.
  const Status head = co_await read_head();
  if (head.ok()) {
    if (!sent.ok() || upload_cut_) parsed_.keep_alive = false;
    stage_ = ClientStage::kBody;
    reader_.begin(connection_->stream, parsed_.body, options_.read_idle_timeout);
    if (reader_.done()) give_back_connection();
    co_return Status();
  }
  if (!sent.ok()) stage_ = ClientStage::kSending;
  co_return head;
}

void ClientCall::on_connect_deadline(void* self) {
  auto* call = static_cast<ClientCall*>(self);
  call->connect_timed_out_ = true;
  boost::system::error_code ignored;
  if (call->connecting_ != nullptr) call->connecting_->close(ignored);
}

async::Task<Status> ClientCall::connect_to(TcpEndpoint endpoint, TimePoint deadline) {
  Socket socket(pool_->loop().executor());
  boost::system::error_code error = boost::asio::error::operation_aborted;
  if (!cancelled_ && !connect_timed_out_) {
    connecting_ = &socket;
    const auto [result] = co_await socket.async_connect(endpoint, async::as_tuple);
    connecting_ = nullptr;
    error = result;
  }
  if (cancelled_) co_return cancelled("cancelled while connecting");
  if (connect_timed_out_) {
    co_return deadline_exceeded("connecting to {} took too long", address_.to_string());
  }
  if (error) {
    co_return unavailable("cannot connect to {}: {}", address_.to_string(), error.message());
  }
  boost::system::error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  connection_ = std::make_unique<ClientConnection>(pool_->loop(), std::move(socket),
                                                   PoolKey{address_, options_.tls});
  received_before_ = 0;
  if (options_.tls == nullptr) co_return Status();
  const Status secured = co_await secure(deadline);
  if (!secured.ok()) give_up_connection();
  co_return secured;
}

async::Task<Status> ClientCall::secure(TimePoint deadline) {
  std::unique_ptr<TlsSession> session = TlsSession::connect(options_.tls, address_.host);
  const Status status = co_await connection_->stream.handshake(std::move(session), deadline);
  if (status.ok()) co_return status;
  if (cancelled_) co_return cancelled("cancelled while connecting");
  if (status.code() == Code::kDeadlineExceeded) {
    co_return deadline_exceeded("connecting to {} took too long", address_.to_string());
  }
  co_return unavailable("cannot connect to {}: {}", address_.to_string(), status.message());
}

async::Task<Status> ClientCall::connect() {
  const TimePoint deadline = deadline_after(options_.connect_timeout);
  Result<std::vector<TcpEndpoint>> endpoints = co_await pool_->find_endpoints(address_, deadline);
  if (cancelled_) co_return cancelled("cancelled while resolving");
  if (!endpoints.ok()) co_return endpoints.error();
  connect_timed_out_ = false;
  if (deadline != async::kNoDeadline) connect_deadline_.arm(deadline);
  Status status = unavailable("{} has no address", address_.to_string());
  for (const TcpEndpoint& endpoint : *endpoints) {
    status = co_await connect_to(endpoint, deadline);
    if (status.code() != Code::kUnavailable) break;
  }
  connect_deadline_.disarm();
  co_return status;
}

Status ClientCall::send_error(const Status& why) const {
  if (why.code() == Code::kDeadlineExceeded)
    return deadline_exceeded("{} did not read the request in time", address_.to_string());
  return unavailable("sending to {}: {}", address_.to_string(), why.message());
}

// Hands the socket what it takes at once; what is left is in `pieces`, and after them the pieces of
// the body from `next` on.
Status ClientCall::send_at_once(Gather& pieces, std::size_t& next) {
  do {
    while (next < body_.size() && !pieces.full()) pieces.add(body_[next++]);
    if (Status sent = connection_->stream.try_write(pieces); !sent.ok()) return send_error(sent);
    if (!pieces.empty()) return {};
    pieces = Gather();
  } while (next < body_.size());
  return {};
}

async::Task<Status> ClientCall::send_rest(Gather pieces, std::size_t next) {
  while (!pieces.empty()) {
    const Status sent = co_await connection_->stream.write_rest(pieces, options_.write_timeout);
    if (!sent.ok()) co_return send_error(sent);
    pieces = Gather();
    CO_RETURN_IF_ERROR(send_at_once(pieces, next));
  }
  co_return Status();
}

async::Task<Status> ClientCall::read_head() {
  ReadBuffer& input = connection_->stream.input();
  HeadLimits limits;
  limits.max_bytes = pool_->config().max_head_bytes;
  limits.max_fields = pool_->config().max_header_count;
  const TimePoint deadline = deadline_after(options_.head_timeout);
  ScanState scan;
  for (;;) {
    if (!input.empty()) {
      const ParseOutcome outcome =
          parse_response_head(input.unread(), method_, limits, scan, parsed_);
      if (outcome.state == ParseState::kError) {
        co_return data_loss("{} sent a malformed response: {}", address_.to_string(),
                            outcome.reason);
      }
      if (outcome.state == ParseState::kDone) {
        input.consume(outcome.consumed);
        if (response_.status >= 200) co_return Status();
        if (response_.status == 101) {
          co_return data_loss("{} switched protocols without being asked", address_.to_string());
        }
        scan = {};  // an interim response: the real one follows
        continue;
      }
    }
    const std::size_t capacity =
        std::clamp(2 * input.size(), ReadBuffer::kSmall, limits.max_bytes + ReadBuffer::kSmall);
    const Result<bool> more = co_await connection_->stream.more_input(deadline, capacity);
    if (more.ok() && *more) continue;
    if (more.error().code() == Code::kDeadlineExceeded) {
      co_return deadline_exceeded("{} did not answer in time", address_.to_string());
    }
    if (!input.empty()) {
      co_return data_loss("{} closed the connection within the response head",
                          address_.to_string());
    }
    // In TLS 1.3 a server tells only now that it wants another client certificate.
    const TlsSession* tls = connection_->stream.tls_session();
    const std::string_view why = tls != nullptr ? std::string_view(tls->error()) : "";
    co_return unavailable("{} closed the connection before it answered{}{}", address_.to_string(),
                          why.empty() ? "" : ": ", why);
  }
}

Status ClientCall::body_error(const Status& error) const {
  if (cancelled_) return cancelled("the request to {} was cancelled", address_.to_string());
  switch (error.code()) {
    case Code::kInvalidArgument:
    case Code::kDataLoss:
      return data_loss("{}: {}", address_.to_string(), error.message());
    case Code::kCancelled:
      return unavailable("the connection to {} broke within the body", address_.to_string());
    default:
      return error.with_context(address_.to_string());
  }
}

std::optional<std::string_view> ClientCall::ready_chunk() {
  if (stage_ == ClientStage::kDone) return std::string_view();
  if (cancelled_ || stage_ != ClientStage::kBody || connection_ == nullptr) return std::nullopt;
  const auto piece = reader_.ready();
  if (piece && piece->empty()) give_back_connection();
  return piece;
}

async::Task<Result<std::string_view>> ClientCall::read_chunk() {
  if (stage_ == ClientStage::kDone) co_return std::string_view();
  if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
  if (stage_ != ClientStage::kBody || connection_ == nullptr) {
    co_return failed_precondition("there is no response to read");
  }
  Result<std::string_view> piece = co_await reader_.read();
  if (!piece.ok()) {
    const Status error = body_error(piece.error());
    give_up_connection();
    co_return error;
  }
  if (piece->empty()) give_back_connection();
  co_return piece;
}

async::Task<Result<std::string>> ClientCall::read_body(std::size_t limit) {
  std::string body;
  if (const auto length = content_length(); length.has_value()) {
    if (*length > limit && stage_ == ClientStage::kBody) {
      give_up_connection();
      co_return out_of_range("response body of {} bytes is larger than {}", *length, limit);
    }
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 1 << 20)));
  }
  for (;;) {
    Result<std::string_view> piece = co_await read_chunk();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > limit - body.size()) {
      give_up_connection();
      co_return out_of_range("response body is larger than {} bytes", limit);
    }
    body.append(*piece);
  }
}

void ClientCall::cancel() {
  if (stage_ == ClientStage::kDone) return;
  cancelled_ = true;
  boost::system::error_code ignored;
  if (connecting_ != nullptr) connecting_->close(ignored);
  if (connection_ != nullptr) connection_->stream.close();
}

std::optional<std::uint64_t> ClientCall::content_length() const {
  const BodyKind kind = parsed_.body.kind;
  if (kind == BodyKind::kChunked || kind == BodyKind::kUntilClose) return std::nullopt;
  return parsed_.body.length;
}

std::uint64_t ClientCall::bytes_received() const {
  if (connection_ == nullptr) return received_earlier_;
  return received_earlier_ + connection_->stream.bytes_read() - received_before_;
}

}  // namespace nacelle::net::http1
