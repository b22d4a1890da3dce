#include "net/http/client.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "async/deadline.h"
#include "base/check.h"
#include "net/http1/body_reader.h"
#include "net/http1/client_pool.h"
#include "net/http1/serialize.h"

namespace nacelle::net::http {

using http1::ClientConnection;
using http1::ClientPool;

struct HttpClient::Impl {
  Impl(async::Loop& home, const HttpClientConfig& settings)
      : pool(std::make_shared<ClientPool>(home, settings)) {}
  std::shared_ptr<ClientPool> pool;
};

HttpClient::HttpClient(async::Loop& loop, HttpClientConfig config)
    : impl_(std::make_unique<Impl>(loop, config)) {}

HttpClient::~HttpClient() { impl_->pool->close_all(); }

async::Loop& HttpClient::loop() { return impl_->pool->loop(); }
std::size_t HttpClient::num_idle() const { return impl_->pool->num_idle(); }
void HttpClient::forget(const HostPort& address) { impl_->pool->forget(address); }

std::string_view to_string(ClientStage stage) {
  switch (stage) {
    case ClientStage::kIdle:
      return "idle";
    case ClientStage::kConnecting:
      return "connecting";
    case ClientStage::kSending:
      return "sending";
    case ClientStage::kAwaitingHead:
      return "awaiting_head";
    case ClientStage::kBody:
      return "body";
    case ClientStage::kDone:
      return "done";
  }
  return "unknown";
}

namespace {

async::Task<Status> ready(Status status) { co_return status; }

TimePoint deadline_after(Duration duration) {
  return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration
                                     : async::kNoDeadline;
}

}  // namespace

struct ClientExchange::State {
  explicit State(std::shared_ptr<ClientPool> p)
      : pool(std::move(p)), connect_deadline(pool->loop(), &State::on_connect_deadline, this) {
    parsed.head = &response;
  }

  async::Task<Status> run();
  async::Task<Status> attempt();
  async::Task<Status> connect();
  async::Task<Status> connect_to(TcpEndpoint endpoint);
  async::Task<Status> send_request();
  async::Task<Status> read_head();
  Status body_error(const Status& error) const;
  void give_up_connection();
  void give_back_connection();
  static void on_connect_deadline(void* self);

  std::shared_ptr<ClientPool> pool;
  std::unique_ptr<ClientConnection> connection;
  HostPort address;
  ClientOptions options;
  std::string method;
  std::string head_bytes;              // the request head
  std::vector<std::string_view> body;  // its pieces
  ResponseHead response;
  http1::ParsedResponse parsed;
  http1::BodyReader reader;
  async::Deadline connect_deadline;
  net::Socket* connecting = nullptr;   // the socket of the connect in progress
  std::uint64_t received_earlier = 0;  // on connections of this exchange that were given up
  std::uint64_t received_before = 0;   // what the connection had read for other exchanges
  ClientStage stage = ClientStage::kIdle;
  bool reused = false;
  bool was_cancelled = false;
  bool connect_timed_out = false;
};

void ClientExchange::State::give_up_connection() {
  if (connection == nullptr) return;
  received_earlier += connection->stream.bytes_read() - received_before;
  ClientPool::retire(std::move(connection));
}

// After the body was read to its exact end.
void ClientExchange::State::give_back_connection() {
  if (connection == nullptr) return;
  reader.release();
  stage = ClientStage::kDone;
  if (!parsed.keep_alive || was_cancelled) {
    give_up_connection();
    return;
  }
  received_earlier += connection->stream.bytes_read() - received_before;
  pool->release(std::move(connection));
}

async::Task<Status> ClientExchange::State::run() {
  connection = pool->acquire(address);
  reused = connection != nullptr;
  for (;;) {
    Status status = co_await attempt();
    if (status.ok()) co_return status;
    const bool nothing_came =
        connection != nullptr && connection->stream.bytes_read() == received_before;
    give_up_connection();
    if (was_cancelled) co_return cancelled("the request to {} was cancelled", address.to_string());
    const bool stale = reused && nothing_came && status.code() == Code::kUnavailable;
    if (!stale || !options.retry_stale) co_return status;
    reused = false;  // the peer closed an idle connection just now: once more on a fresh one
  }
}

async::Task<Status> ClientExchange::State::attempt() {
  if (connection == nullptr) {
    stage = ClientStage::kConnecting;
    CO_RETURN_IF_ERROR(co_await connect());
  }
  received_before = connection->stream.bytes_read();
  stage = ClientStage::kSending;
  const Status sent = co_await send_request();
  if (sent.code() == Code::kDeadlineExceeded) co_return sent;
  stage = ClientStage::kAwaitingHead;
  // A peer that refuses a large body may answer and close before it has read all: look for that.
  const Status head = co_await read_head();
  if (head.ok()) {
    if (!sent.ok()) parsed.keep_alive = false;
    stage = ClientStage::kBody;
    reader.begin(connection->stream, parsed.body, options.read_idle_timeout);
    if (reader.done()) give_back_connection();
    co_return Status();
  }
  if (!sent.ok()) stage = ClientStage::kSending;
  co_return head;
}

void ClientExchange::State::on_connect_deadline(void* self) {
  auto* state = static_cast<State*>(self);
  state->connect_timed_out = true;
  boost::system::error_code ignored;
  if (state->connecting != nullptr) state->connecting->close(ignored);
}

async::Task<Status> ClientExchange::State::connect_to(TcpEndpoint endpoint) {
  net::Socket socket(pool->loop().executor());
  connecting = &socket;
  const auto [error] = co_await socket.async_connect(endpoint, async::as_tuple);
  connecting = nullptr;
  if (was_cancelled) co_return cancelled("cancelled while connecting");
  if (connect_timed_out) {
    co_return deadline_exceeded("connecting to {} took too long", address.to_string());
  }
  if (error) {
    co_return unavailable("cannot connect to {}: {}", address.to_string(), error.message());
  }
  boost::system::error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  connection = std::make_unique<ClientConnection>(pool->loop(), std::move(socket), address);
  co_return Status();
}

async::Task<Status> ClientExchange::State::connect() {
  const TimePoint deadline = deadline_after(options.connect_timeout);
  Result<std::vector<TcpEndpoint>> endpoints = co_await pool->find_endpoints(address, deadline);
  if (was_cancelled) co_return cancelled("cancelled while resolving");
  if (!endpoints.ok()) co_return endpoints.error();
  connect_timed_out = false;
  if (deadline != async::kNoDeadline) connect_deadline.arm(deadline);
  Status status = unavailable("{} has no address", address.to_string());
  for (const TcpEndpoint& endpoint : *endpoints) {
    status = co_await connect_to(endpoint);
    if (status.code() != Code::kUnavailable) break;
  }
  connect_deadline.disarm();
  co_return status;
}

async::Task<Status> ClientExchange::State::send_request() {
  std::size_t next = 0;
  Gather pieces;
  pieces.add(head_bytes);
  do {
    while (next < body.size() && !pieces.full()) pieces.add(body[next++]);
    const Status sent = co_await connection->stream.write(pieces, options.write_timeout);
    if (sent.code() == Code::kDeadlineExceeded) {
      co_return deadline_exceeded("{} did not read the request in time", address.to_string());
    }
    if (!sent.ok()) co_return unavailable("sending to {}: {}", address.to_string(), sent.message());
    pieces = Gather();
  } while (next < body.size());
  co_return Status();
}

async::Task<Status> ClientExchange::State::read_head() {
  ReadBuffer& input = connection->stream.input();
  http1::HeadLimits limits;
  limits.max_bytes = pool->config().max_head_bytes;
  limits.max_fields = pool->config().max_header_count;
  const TimePoint deadline = deadline_after(options.head_timeout);
  http1::ScanState scan;
  for (;;) {
    if (!input.empty()) {
      const http1::ParseOutcome outcome =
          http1::parse_response_head(input.unread(), method, limits, scan, parsed);
      if (outcome.state == http1::ParseState::kError) {
        co_return data_loss("{} sent a malformed response: {}", address.to_string(),
                            outcome.reason);
      }
      if (outcome.state == http1::ParseState::kDone) {
        input.consume(outcome.consumed);
        if (response.status >= 200) co_return Status();
        if (response.status == 101) {
          co_return data_loss("{} switched protocols without being asked", address.to_string());
        }
        scan = {};  // an interim response: the real one follows
        continue;
      }
    }
    const std::size_t capacity =
        std::clamp(2 * input.size(), ReadBuffer::kSmall, limits.max_bytes + ReadBuffer::kSmall);
    const Result<bool> more = co_await connection->stream.more_input(deadline, capacity);
    if (more.ok() && *more) continue;
    if (more.error().code() == Code::kDeadlineExceeded) {
      co_return deadline_exceeded("{} did not answer in time", address.to_string());
    }
    if (!input.empty()) {
      co_return data_loss("{} closed the connection within the response head", address.to_string());
    }
    co_return unavailable("{} closed the connection before it answered", address.to_string());
  }
}

Status ClientExchange::State::body_error(const Status& error) const {
  if (was_cancelled) return cancelled("the request to {} was cancelled", address.to_string());
  switch (error.code()) {
    case Code::kInvalidArgument:
    case Code::kDataLoss:
      return data_loss("{}: {}", address.to_string(), error.message());
    case Code::kCancelled:
      return unavailable("the connection to {} broke within the body", address.to_string());
    default:
      return error.with_context(address.to_string());
  }
}

ClientExchange::ClientExchange(HttpClient& client)
    : state_(std::make_unique<State>(client.impl_->pool)) {}

ClientExchange::~ClientExchange() {
  if (state_->connection == nullptr) return;
  if (state_->stage == ClientStage::kBody && state_->reader.done()) {
    state_->give_back_connection();
  } else {
    state_->give_up_connection();
  }
}

async::Task<Status> ClientExchange::send(const HostPort& address, const RequestHead& head,
                                         std::string_view body, ClientOptions options) {
  return send_chunks(address, head, {&body, 1}, options);
}

async::Task<Status> ClientExchange::send_chunks(const HostPort& address, const RequestHead& head,
                                                std::span<const std::string_view> body,
                                                ClientOptions options) {
  State& state = *state_;
  CHECK(state.stage == ClientStage::kIdle);
  state.address = address;
  state.options = options;
  state.method = head.method;
  std::size_t length = 0;
  for (std::string_view piece : body) {
    if (piece.empty()) continue;
    length += piece.size();
    state.body.push_back(piece);
  }
  // RFC 9110 section 8.6: a method that anticipates content says so even when there is none.
  std::optional<std::uint64_t> content_length;
  const bool bodiless = head.method == "GET" || head.method == "HEAD" || head.method == "DELETE" ||
                        head.method == "OPTIONS";
  if (length > 0 || !bodiless) content_length = length;
  if (Status built =
          http1::append_request_head(state.head_bytes, head, address.to_string(), content_length);
      !built.ok()) {
    return ready(std::move(built));
  }
  return state.run();
}

ResponseHead& ClientExchange::response() { return state_->response; }

std::optional<std::uint64_t> ClientExchange::content_length() const {
  const http1::BodyFraming& body = state_->parsed.body;
  if (body.kind == http1::BodyKind::kChunked || body.kind == http1::BodyKind::kUntilClose) {
    return std::nullopt;
  }
  return body.length;
}

async::Task<Result<std::string_view>> ClientExchange::read_chunk() {
  State& state = *state_;
  if (state.stage == ClientStage::kDone) co_return std::string_view();
  if (state.was_cancelled || state.stage != ClientStage::kBody) {
    co_return state.was_cancelled ? cancelled("the request was cancelled")
                                  : failed_precondition("there is no response to read");
  }
  Result<std::string_view> piece = co_await state.reader.read();
  if (!piece.ok()) {
    const Status error = state.body_error(piece.error());
    state.give_up_connection();
    co_return error;
  }
  if (piece->empty()) state.give_back_connection();
  co_return piece;
}

async::Task<Result<std::string>> ClientExchange::read_body(std::size_t limit) {
  std::string body;
  if (const auto length = content_length(); length.has_value()) {
    if (*length > limit && state_->stage == ClientStage::kBody) {
      state_->give_up_connection();
      co_return out_of_range("response body of {} bytes is larger than {}", *length, limit);
    }
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 1 << 20)));
  }
  for (;;) {
    Result<std::string_view> piece = co_await read_chunk();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > limit - body.size()) {
      state_->give_up_connection();
      co_return out_of_range("response body is larger than {} bytes", limit);
    }
    body.append(*piece);
  }
}

void ClientExchange::cancel() {
  State& state = *state_;
  if (state.stage == ClientStage::kDone) return;
  state.was_cancelled = true;
  boost::system::error_code ignored;
  if (state.connecting != nullptr) state.connecting->close(ignored);
  if (state.connection != nullptr) state.connection->stream.close();
}

ClientStage ClientExchange::stage() const { return state_->stage; }
bool ClientExchange::reused_connection() const { return state_->reused; }

std::uint64_t ClientExchange::bytes_received() const {
  const State& state = *state_;
  if (state.connection == nullptr) return state.received_earlier;
  return state.received_earlier + state.connection->stream.bytes_read() - state.received_before;
}

}  // namespace nacelle::net::http
