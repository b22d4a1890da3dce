#include "net/http1/server_connection.h"

#include <algorithm>
#include <exception>

#include <boost/asio/post.hpp>

#include "net/http1/accept_tls.h"
#include "net/http2/server_session.h"
#include "telemetry/log.h"

namespace nacelle::net::http1 {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// Clients that send a whole body before they read, of the size that a model's prompt may have.
constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;
constexpr Duration kLingerTime = 1s;

enum class Preface : std::uint8_t { kNone, kPart, kWhole };

// Whether a connection's first bytes are those of HTTP/2. "PRI" alone may still be a method.
Preface find_preface(std::string_view bytes) {
  constexpr std::size_t kTelling = 16;  // "PRI * HTTP/2.0\r\n"
  if (bytes.front() != 'P' || bytes.size() < 4) return Preface::kNone;
  const std::size_t seen = std::min(bytes.size(), http2::kPreface.size());
  if (bytes.substr(0, seen) != http2::kPreface.substr(0, seen)) return Preface::kNone;
  if (seen == http2::kPreface.size()) return Preface::kWhole;
  return seen >= kTelling ? Preface::kPart : Preface::kNone;
}

TimePoint deadline_after(Duration duration) {
  return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration
                                     : async::kNoDeadline;
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerContext> context, Socket socket,
                                   const TcpEndpoint& peer)
    : context_(std::move(context)),
      peer_(peer),
      stream_(context_->loop, std::move(socket), &ServerConnection::on_stream_end, this) {
  next_ = context_->first;
  if (next_ != nullptr) next_->prev_ = this;
  context_->first = this;
  ++context_->num_connections;
  parsed_.head = &request_;
}

ServerConnection::~ServerConnection() {
  (prev_ != nullptr ? prev_->next_ : context_->first) = next_;
  if (next_ != nullptr) next_->prev_ = prev_;
  --context_->num_connections;
  context_->counters->open.fetch_sub(1, std::memory_order_relaxed);
  context_->changed.pulse();
}

async::Task<void> ServerConnection::serve(std::unique_ptr<ServerConnection> self) {
  co_await self->run();
  co_await self->stream_.settle();
  while (self->posted_ > 0) {
    co_await boost::asio::post(self->context_->loop.executor(), async::use_task);
  }
}

async::Task<void> ServerConnection::run() {
  if (context_->config.tls != nullptr && !co_await accept_tls(stream_, *context_, peer_)) co_return;
  for (;;) {
    const HeadEnd head = co_await read_head();
    if (head == HeadEnd::kGone) co_return;
    if (head == HeadEnd::kHttp2) {
      co_await serve_http2();
      co_return;
    }
    if (head == HeadEnd::kRefused) {
      co_await refuse(refused_status_, refused_reason_);
      co_return;
    }
    begin_exchange();
    try {
      co_await context_->handler(*this);
    } catch (const std::exception& error) {
      // Cancellation of the surrounding scope, or a bug of the handler: it must not cost the
      // process.
      log::error("a request handler threw", {{"what", error.what()}, {"path", request_.path()}});
    }
    end_handler();
    if (finished_in_order()) continue;
    const bool reusable = co_await finish_exchange();
    if (!reusable) co_return;
  }
}

async::Task<ServerConnection::HeadEnd> ServerConnection::read_head() {
  ReadBuffer& input = stream_.input();
  ScanState scan;
  idle_ = input.empty();
  if (idle_ && context_->draining) co_return HeadEnd::kGone;
  Duration patience =
      idle_ && !first_ ? context_->config.keep_alive_timeout : context_->config.head_timeout;
  std::optional<TimePoint> deadline;  // of the head or of the wait for it; set where one waits
  for (;;) {
    if (!input.empty()) {
      if (idle_) {
        idle_ = false;
        patience = context_->config.head_timeout;
        deadline.reset();
      }
      const Preface preface =
          first_ && context_->config.allow_http2 ? find_preface(input.unread()) : Preface::kNone;
      if (preface == Preface::kWhole) co_return HeadEnd::kHttp2;
      const ParseOutcome outcome =
          preface == Preface::kPart
              ? ParseOutcome()
              : parse_request_head(input.unread(), context_->limits, scan, parsed_);
      if (outcome.state == ParseState::kDone) {
        input.consume(outcome.consumed);
        first_ = false;
        co_return HeadEnd::kRequest;
      }
      if (outcome.state == ParseState::kError) {
        refused_status_ = outcome.status;
        refused_reason_ = outcome.reason;
        co_return HeadEnd::kRefused;
      }
    }
    const std::size_t capacity = std::clamp(2 * input.size(), ReadBuffer::kSmall,
                                            context_->limits.max_bytes + ReadBuffer::kSmall);
    if (!deadline) deadline = deadline_after(patience);
    const Result<bool> more = co_await stream_.more_input(*deadline, capacity);
    if (more.ok() && *more) continue;
    if (!more.ok() && more.error().code() == Code::kDeadlineExceeded && !input.empty()) {
      refused_status_ = 408;
      refused_reason_ = "the request head did not arrive in time";
      co_return HeadEnd::kRefused;
    }
    co_return HeadEnd::kGone;
  }
}

async::Task<void> ServerConnection::serve_http2() {
  idle_ = false;
  http2_ = std::make_unique<http2::ServerSession>(*context_, stream_, peer_);
  co_await http2_->serve();
  http2_.reset();
}

void ServerConnection::begin_exchange() {
  phase_ = Phase::kUnanswered;
  omit_body_ = false;
  head_pending_ = false;
  close_ = false;
  continue_sent_ = false;
  handling_ = true;
  body_.begin(stream_, parsed_.body, context_->config.body_timeout);
  context_->counters->requests.fetch_add(1, std::memory_order_relaxed);
  stream_.watch();
}

void ServerConnection::end_handler() {
  handling_ = false;
  on_gone_ = nullptr;
}

bool ServerConnection::finished_in_order() {
  if (phase_ != Phase::kFinished || close_ || !body_.done() || stream_.closed() ||
      stream_.end() == Stream::End::kBroken) {
    return false;
  }
  body_.release();
  return true;
}

async::Task<bool> ServerConnection::finish_exchange() {
  if (phase_ == Phase::kUnanswered && !stream_.closed()) {
    if (stream_.end() == Stream::End::kBroken) co_return false;
    co_await refuse(500, "the request was not answered");
    co_return false;
  }
  if (phase_ != Phase::kFinished) stream_.close();  // over TLS, too, it must look truncated
  if (stream_.closed()) co_return false;
  if (close_) {
    if (!body_.done() || !stream_.input().empty()) co_await linger();
    co_return false;
  }
  std::size_t drained = 0;
  const TimePoint patience = deadline_after(context_->config.head_timeout);
  while (!body_.done()) {
    if (drained + body_.bytes_left().value_or(0) > context_->config.max_drain_bytes ||
        std::chrono::steady_clock::now() > patience) {
      co_await linger();
      co_return false;
    }
    const Result<std::string_view> piece = co_await body_.read();
    if (!piece.ok()) co_return false;
    drained += piece->size();
  }
  body_.release();
  co_return stream_.end() != Stream::End::kBroken;
}

async::Task<void> ServerConnection::refuse(int status, std::string_view reason) {
  context_->counters->requests_refused.fetch_add(1, std::memory_order_relaxed);
  phase_ = Phase::kUnanswered;
  close_ = true;
  http::ResponseHead head;
  head.status = status;
  http::RefusalBody body;
  if (context_->refusal) {
    body = context_->refusal(status, reason);
  } else {
    body.content_type = "text/plain; charset=utf-8";
    body.body.append(reason).append("\n");
  }
  if (!body.content_type.empty()) head.headers.add("content-type", body.content_type);
  const Status sent = co_await respond(head, body.body);
  if (sent.ok()) co_await linger();
}

// Reads on for a moment after the last response: closing with unread bytes would reset the
// connection and could destroy the response before the client has read it.
async::Task<void> ServerConnection::linger() {
  stream_.shutdown_send();
  const TimePoint deadline = deadline_after(kLingerTime);
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    dropped += stream_.input().size();
    stream_.input().consume(stream_.input().size());
    const Result<bool> more = co_await stream_.more_input(deadline);
    if (!more.ok() || !*more) co_return;
  }
}

// ---- request body

std::optional<std::uint64_t> ServerConnection::content_length() const {
  if (parsed_.body.kind == BodyKind::kChunked) return std::nullopt;
  return parsed_.body.length;
}

async::Task<Status> ServerConnection::send_continue() {
  continue_sent_ = true;
  Gather pieces;
  pieces.add(kContinue);
  co_return co_await stream_.write(pieces, context_->config.write_stall_timeout);
}

async::Task<Result<std::string_view>> ServerConnection::read_chunk() {
  if (parsed_.expect_continue && !continue_sent_ && body_.untouched() &&
      phase_ == Phase::kUnanswered) {
    const Status sent = co_await send_continue();
    if (!sent.ok()) co_return sent;
  }
  Result<std::string_view> piece = co_await body_.read();
  if (!piece.ok()) {
    close_ = true;
    if (piece.error().code() == Code::kDataLoss) co_return cancelled("the client left");
  }
  if (body_.done()) stream_.watch();
  co_return piece;
}

std::optional<std::string_view> ServerConnection::ready_chunk() {
  const auto piece = body_.ready();
  if (body_.done()) stream_.watch();
  return piece;
}

async::Task<Result<std::string>> ServerConnection::read_body(std::size_t limit) {
  if (const auto left = body_.bytes_left(); left.has_value() && *left > limit) {
    co_return out_of_range("request body of {} bytes is larger than {}", *left, limit);
  }
  if (parsed_.expect_continue && !continue_sent_ && body_.untouched() &&
      phase_ == Phase::kUnanswered) {
    CO_RETURN_IF_ERROR(co_await send_continue());
  }
  Result<std::string> body = co_await body_.read_all(limit);
  if (!body.ok() && body.error().code() != Code::kOutOfRange) {
    close_ = true;
    if (body.error().code() == Code::kDataLoss) co_return cancelled("the client left");
  }
  body_.release();
  stream_.watch();
  co_return body;
}

// ---- departure

void ServerConnection::on_stream_end(void* self) {
  auto* connection = static_cast<ServerConnection*>(self);
  connection->gone_ = true;
  connection->tell_gone();
}

void ServerConnection::tell_gone() {
  if (!handling_ || !gone_ || !on_gone_) return;
  const auto callback = std::move(on_gone_);
  on_gone_ = nullptr;
  callback();
}

void ServerConnection::on_client_gone(std::function<void()> callback) {
  on_gone_ = std::move(callback);
  if (gone_ && on_gone_) post(&ServerConnection::tell_gone);
}

void ServerConnection::abort() {
  phase_ = Phase::kFinished;
  stream_.close();
}

void ServerConnection::begin_drain() {
  if (http2_ != nullptr) {
    http2_->begin_drain();
    return;
  }
  if (idle_ && !handling_) stream_.close(Stream::Close::kOrderly);
}

void ServerConnection::break_now() {
  stream_.close();
  gone_ = true;
  tell_gone();
}

}  // namespace nacelle::net::http1
