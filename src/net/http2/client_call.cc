#include "net/http2/client_call.h"

#include <charconv>
#include <utility>

#include "base/check.h"

namespace nacelle::net::http2 {

using http::ClientStage;

namespace {

TimePoint deadline_after(Duration duration) {
  return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration
                                     : async::kNoDeadline;
}

}  // namespace

ClientCall::ClientCall(std::shared_ptr<ClientPool> pool)
    : StreamIo(pool->loop()), pool_(std::move(pool)) {}

ClientCall::~ClientCall() { leave(); }

void ClientCall::leave() {
  detach(NGHTTP2_CANCEL);
  connection_.reset();
}

// ---- sending

Status ClientCall::prepare(const HostPort& address, const http::RequestHead& head,
                           const http::ClientOptions& options,
                           std::optional<std::uint64_t> length) {
  CHECK(stage_ == ClientStage::kIdle);
  RETURN_IF_ERROR(head.headers.validate());
  if (!http::is_token(head.method)) return invalid_argument("the method cannot be sent");
  for (char c : head.target) {
    if (c <= 0x20 || c >= 0x7F) return invalid_argument("the request target cannot be sent");
  }
  if (head.target.empty()) return invalid_argument("the request target is empty");
  address_ = address;
  options_ = options;
  request_ = head;
  request_length_ = length;
  authority_ = head.headers.contains("host") ? std::string(head.host()) : address.to_string();
  return {};
}

async::Task<Status> ClientCall::open(std::span<const std::string_view> body, bool end) {
  stage_ = ClientStage::kConnecting;
  const http1::PoolKey key(address_, options_.tls);
  const TimePoint deadline = deadline_after(options_.connect_timeout);
  Result<std::shared_ptr<ClientSession>> found =
      co_await pool_->acquire(key, deadline, &cancelled_);
  if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
  if (!found.ok()) co_return found.error();
  connection_ = std::move(*found);
  reused_ = connection_->used();
  read_before_ = connection_->bytes_read();

  static thread_local std::vector<nghttp2_nv> fields;
  fields.clear();
  append_field(fields, ":method", request_.method);
  append_field(fields, ":scheme", options_.tls != nullptr ? "https" : "http");
  append_field(fields, ":authority", authority_);
  append_field(fields, ":path", request_.target);
  for (const auto& field : request_.headers) {
    if (is_connection_field(field.name) || http::equals_ignore_case(field.name, "host") ||
        http::equals_ignore_case(field.name, "expect") ||
        http::equals_ignore_case(field.name, "content-length")) {
      continue;
    }
    if (http::equals_ignore_case(field.name, "te") &&
        !http::equals_ignore_case(field.value, "trailers")) {
      continue;
    }
    append_field(fields, field.name, field.value);
  }
  char digits[20];
  if (request_length_.has_value()) {
    char* const last = std::to_chars(digits, digits + sizeof(digits), *request_length_).ptr;
    append_field(fields, "content-length", {digits, static_cast<std::size_t>(last - digits)});
  }
  lend(body, end);
  stage_ = ClientStage::kSending;
  co_return connection_->open(*this, fields, !end || lent_bytes() > 0);
}

async::Task<Status> ClientCall::run(std::vector<std::string_view> body) {
  for (bool again = false;; again = true) {
    const Status status = co_await attempt(body);
    if (status.ok()) {
      keep_rest();  // answered before the request was read: its memory may go now
      co_return status;
    }
    // The connection was closed just now, gracefully or for idleness: once more on a fresh one.
    const bool unprocessed = connection_ != nullptr && refused() && connection_->going_away();
    const bool stale = connection_ != nullptr && reused_ && end_code() == kConnectionLost &&
                       connection_->bytes_read() == read_before_ && options_.retry_stale;
    if (again || cancelled_ || !closed() || (!unprocessed && !stale)) co_return status;
    leave();
    clear();
    response_.clear();
    in_block_ = answered_ = bodiless_ = false;
    bad_ = {};
  }
}

async::Task<Status> ClientCall::attempt(std::span<const std::string_view> body) {
  CO_RETURN_IF_ERROR(co_await open(body, true));
  co_return co_await read_head();
}

async::Task<Status> ClientCall::write(std::string_view data, bool end) {
  if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
  if (stage_ == ClientStage::kIdle || stage_ == ClientStage::kConnecting) {
    co_return failed_precondition("the stream was not started");
  }
  if (closed()) co_return lost_status();
  Status sent = co_await StreamIo::write(data, end, options_.write_timeout);
  if (sent.ok()) {
    if (end && stage_ == ClientStage::kSending) stage_ = ClientStage::kAwaitingHead;
    co_return sent;
  }
  if (sent.code() == Code::kDeadlineExceeded) {
    co_return deadline_exceeded("{} did not read the request in time", address_.to_string());
  }
  co_return lost_status();
}

// ---- receiving

void ClientCall::head_field(bool, std::string_view name, std::string_view value) {
  bytes_received_ += name.size() + value.size() + 4;
  const bool begins = !std::exchange(in_block_, true);
  const auto& config = pool_->config();
  HeadLimits limits;
  limits.max_bytes = config.max_head_bytes;
  limits.max_fields = config.max_header_count;
  if (answered_) {
    if (begins) trailer_builder_.begin(trailers_, limits);
    trailer_builder_.add(name, value);
  } else {
    if (begins) builder_.begin(response_, limits);
    builder_.add(name, value);
  }
}

bool ClientCall::head_done(bool, bool end_stream) {
  in_block_ = false;
  if (answered_) {
    bad_ = trailer_builder_.finish();
    return bad_.status == 0;
  }
  bad_ = builder_.finish();
  if (bad_.status == 0 && response_.status == 101) bad_ = {502, "101 does not exist in HTTP/2"};
  if (bad_.status != 0) return false;
  if (response_.status < 200) return true;  // an interim response: the real one follows
  answered_ = true;
  bodiless_ = end_stream;
  read_waiter_.post_resume();
  return true;
}

void ClientCall::stream_closed() {
  if (refused() && !answered_) stage_ = ClientStage::kConnecting;
}

void ClientCall::all_framed() {
  if (!answered_) read_waiter_.post_resume();  // the head timeout begins now
}

bool ClientCall::refused() const { return closed() && end_code() == NGHTTP2_REFUSED_STREAM; }

Status ClientCall::lost_status() const {
  const std::string peer = address_.to_string();
  if (cancelled_) return cancelled("the request to {} was cancelled", peer);
  if (bad_.status != 0) return data_loss("{} sent a malformed response: {}", peer, bad_.reason);
  if (!closed()) return unavailable("the stream to {} is closed", peer);
  if (refused()) return unavailable("{} refused the stream unprocessed", peer);
  if (end_code() == kConnectionLost) {
    return answered_ ? unavailable("the connection to {} broke within the body", peer)
                     : unavailable("{} closed the connection before it answered", peer);
  }
  if (end_code() == NGHTTP2_PROTOCOL_ERROR) {
    return data_loss("{} broke the protocol or says that we did", peer);
  }
  return unavailable("{} reset the stream: {}", peer, nghttp2_http2_strerror(end_code()));
}

async::Task<Status> ClientCall::read_head() {
  if (stage_ == ClientStage::kIdle) co_return failed_precondition("the stream was not started");
  TimePoint deadline = async::kNoDeadline;
  bool counting = false;  // the head timeout runs from the end of the request
  read_timed_out_ = false;
  while (!answered_) {
    if (cancelled_ || closed() || session_ == nullptr) co_return lost_status();
    if (local_ended() && stage_ == ClientStage::kSending) stage_ = ClientStage::kAwaitingHead;
    if (!counting && (local_ended() || lent_bytes() == 0)) {
      counting = true;
      deadline = deadline_after(options_.head_timeout);
    } else if (!counting) {
      deadline = deadline_after(options_.write_timeout);  // each piece that leaves wakes us
    }
    if (read_timed_out_) {
      reset(NGHTTP2_CANCEL);
      if (counting) co_return deadline_exceeded("{} did not answer in time", address_.to_string());
      co_return deadline_exceeded("{} did not read the request in time", address_.to_string());
    }
    if (deadline != async::kNoDeadline) read_deadline_.arm(deadline);
    const bool resumed = co_await read_waiter_.wait();
    read_deadline_.disarm();
    if (!resumed) co_return cancelled("the waiting task was cancelled");
  }
  stage_ = bodiless_ ? ClientStage::kDone : ClientStage::kBody;
  co_return Status();
}

async::Task<Result<std::string_view>> ClientCall::read_chunk() {
  if (stage_ == ClientStage::kDone) co_return std::string_view();
  if (cancelled_) co_return cancelled("the request to {} was cancelled", address_.to_string());
  if (stage_ != ClientStage::kBody) co_return failed_precondition("there is no response to read");
  Result<std::string_view> piece = co_await read(options_.read_idle_timeout);
  if (!piece.ok()) {
    if (piece.error().code() == Code::kDeadlineExceeded) {
      reset(NGHTTP2_CANCEL);
      co_return piece.error().with_context(address_.to_string());
    }
    co_return lost_status();
  }
  bytes_received_ += piece->size();
  if (piece->empty()) stage_ = ClientStage::kDone;
  co_return piece;
}

async::Task<Result<std::string>> ClientCall::read_body(std::size_t limit) {
  std::string body;
  if (const auto length = content_length();
      length.has_value() && *length > limit && stage_ == ClientStage::kBody) {
    reset(NGHTTP2_CANCEL);
    co_return out_of_range("response body of {} bytes is larger than {}", *length, limit);
  }
  for (;;) {
    Result<std::string_view> piece = co_await read_chunk();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > limit - body.size()) {
      reset(NGHTTP2_CANCEL);
      co_return out_of_range("response body is larger than {} bytes", limit);
    }
    body.append(*piece);
  }
}

void ClientCall::cancel() {
  if (stage_ == ClientStage::kDone) return;
  cancelled_ = true;
  reset(NGHTTP2_CANCEL);
  discard_input();
  read_waiter_.post_resume();
  if (stage_ == ClientStage::kConnecting) pool_->wake({address_, options_.tls.get()});
}

const TlsInfo* ClientCall::tls() const {
  return connection_ != nullptr ? connection_->tls() : nullptr;
}

std::optional<std::uint64_t> ClientCall::content_length() const {
  if (bodiless_) return 0;
  return builder_.content_length();
}

}  // namespace nacelle::net::http2
