#include "net/http2/server_stream.h"

#include <charconv>
#include <exception>
#include <utility>

#include "net/http/content_length.h"
#include "net/http2/server_session.h"
#include "telemetry/log.h"

namespace nacelle::net::http2 {

namespace {

async::Task<Status> ready(Status status) { co_return status; }

}  // namespace

ServerStream::ServerStream(ServerSession& session) : StreamIo(session.loop()), server_(session) {}

void ServerStream::begin_request() { builder_.begin(request_, server_.context().limits); }

void ServerStream::reuse() {
  detach(NGHTTP2_NO_ERROR);
  clear();
  trailers_.clear();
  refused_ = {};
  on_gone_ = nullptr;
  response_left_.reset();
  phase_ = Phase::kUnanswered;
  omit_body_ = bodiless_ = in_trailers_ = running_ = gone_ = continue_sent_ = false;
}

const TcpEndpoint& ServerStream::peer() const { return server_.peer(); }
const TlsInfo* ServerStream::tls() const { return server_.stream().tls(); }

// ---- what the session tells

void ServerStream::head_field(bool first, std::string_view name, std::string_view value) {
  if (first) {
    builder_.add(name, value);
    return;
  }
  if (!std::exchange(in_trailers_, true)) {
    trailer_builder_.begin(trailers_, server_.context().limits);
  }
  trailer_builder_.add(name, value);
}

bool ServerStream::head_done(bool first, bool end_stream) {
  // Trailers that break a rule make the request malformed; its handler sees a broken body.
  if (!first) return !in_trailers_ || trailer_builder_.finish().status == 0;
  bodiless_ = end_stream;
  refused_ = builder_.finish(end_stream);
  running_ = true;
  server_.start_stream(this);
  return true;
}

void ServerStream::stream_closed() {
  if (!reset_on_purpose_ && (end_code() != NGHTTP2_NO_ERROR || phase_ != Phase::kFinished)) {
    gone_ = true;
    if (running_ && on_gone_) post_tell_gone();
  }
  if (idle()) server_.release(this);
}

// ---- the handler

async::Task<void> ServerStream::serve(ServerStream* self) {
  co_await self->run_handler();
  self->end_handler();
}

async::Task<void> ServerStream::run_handler() {
  auto& context = server_.context();
  if (refused_.status != 0) {
    co_await refuse(refused_.status, refused_.reason);
    co_return;
  }
  context.counters->requests.fetch_add(1, std::memory_order_relaxed);
  try {
    co_await context.handler(*this);
  } catch (const std::exception& error) {
    // Cancellation of the surrounding scope, or a bug of the handler: it must not cost the process.
    log::error("a request handler threw", {{"what", error.what()}, {"path", request_.path()}});
  }
  if (phase_ == Phase::kUnanswered && !closed()) {
    co_await refuse(500, "the request was not answered");
  }
}

async::Task<void> ServerStream::refuse(int status, std::string_view reason) {
  auto& context = server_.context();
  context.counters->requests_refused.fetch_add(1, std::memory_order_relaxed);
  phase_ = Phase::kUnanswered;
  http::ResponseHead head;
  head.status = status;
  http::RefusalBody body;
  if (context.refusal) {
    body = context.refusal(status, reason);
  } else {
    body.content_type = "text/plain; charset=utf-8";
    body.body.append(reason).append("\n");
  }
  if (!body.content_type.empty()) head.headers.add("content-type", body.content_type);
  (void)co_await respond(head, body.body);
}

void ServerStream::end_handler() {
  on_gone_ = nullptr;
  if (!closed()) {
    if (phase_ != Phase::kFinished) {
      reset(NGHTTP2_INTERNAL_ERROR);  // the client must not take it for a complete answer
    } else if (!remote_ended()) {
      // RFC 9113 section 8.1: the rest of the request is not wanted, the answer is complete.
      if (local_ended()) {
        server_.reset(id(), NGHTTP2_NO_ERROR);
      } else {
        reset_when_ended_ = true;
      }
    }
    discard_input();
  }
  running_ = false;
  server_.handler_ended();
  if (closed() && idle()) server_.release(this);
}

// ---- request body

std::optional<std::uint64_t> ServerStream::content_length() const {
  if (bodiless_) return 0;
  return builder_.facts().content_length;
}

void ServerStream::send_continue() {
  if (!builder_.facts().expect_continue || std::exchange(continue_sent_, true)) return;
  if (phase_ != Phase::kUnanswered || closed() || has_input() || remote_ended()) return;
  std::vector<nghttp2_nv> fields;
  append_field(fields, ":status", "100");
  (void)nghttp2_submit_headers(server_.raw(), NGHTTP2_FLAG_NONE, id(), nullptr, fields.data(),
                               fields.size(), nullptr);
  server_.send_soon();
}

async::Task<Result<std::string_view>> ServerStream::read_chunk() {
  send_continue();
  return read(server_.context().config.body_timeout);
}

async::Task<Result<std::string>> ServerStream::read_body(std::size_t limit) {
  if (const auto length = content_length(); length.has_value() && *length > limit) {
    co_return out_of_range("request body of {} bytes is larger than {}", *length, limit);
  }
  send_continue();
  co_return co_await read_all(limit, server_.context().config.body_timeout);
}

async::Task<Result<bool>> ServerStream::feed(http::BodySink& sink) {
  if (phase_ != Phase::kStreaming || omit_body_ || response_left_.has_value()) {
    co_return failed_precondition("no response of any length is streaming");
  }
  const http::HttpServerConfig& config = server_.context().config;
  co_return co_await StreamIo::feed(sink, config.body_timeout, config.write_stall_timeout);
}

// ---- response

Status ServerStream::submit_head(const http::ResponseHead& head,
                                 std::optional<std::uint64_t> length, bool has_body) {
  RETURN_IF_ERROR(head.headers.validate());
  if (head.status < 200 || head.status > 999) {
    return invalid_argument("status {} is not a final one of three digits", head.status);
  }
  if (closed()) return cancelled("the client left");
  auto& context = server_.context();
  omit_body_ = request_.method == "HEAD" || !http::status_allows_body(head.status);

  static thread_local std::vector<nghttp2_nv> fields;
  fields.clear();
  char status[4];
  std::to_chars(status, status + 3, head.status);
  append_field(fields, ":status", {status, 3});
  for (const auto& field : head.headers) {
    if (is_connection_field(field.name) || http::equals_ignore_case(field.name, "content-length")) {
      continue;
    }
    append_field(fields, field.name, field.value);
  }
  if (!head.headers.contains("date")) append_field(fields, "date", context.date.now());
  if (!context.config.server_name.empty() && !head.headers.contains("server")) {
    append_field(fields, "server", context.config.server_name);
  }
  char digits[20];
  if (length.has_value() && http::status_allows_body(head.status)) {
    char* const end = std::to_chars(digits, digits + sizeof(digits), *length).ptr;
    append_field(fields, "content-length", {digits, static_cast<std::size_t>(end - digits)});
  }
  const nghttp2_data_provider source = provider();
  const int error = nghttp2_submit_response(server_.raw(), id(), fields.data(), fields.size(),
                                            has_body && !omit_body_ ? &source : nullptr);
  if (error != 0) return internal("the response head cannot be sent: {}", nghttp2_strerror(error));
  return {};
}

async::Task<Status> ServerStream::respond(const http::ResponseHead& head, std::string_view body) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  // Lent first: the body leaves together with the head.
  if (request_.method != "HEAD" && http::status_allows_body(head.status)) {
    lend({&body, 1}, true);
  }
  if (Status sent = submit_head(head, body.size(), !body.empty()); !sent.ok()) {
    lend({}, false);
    return ready(std::move(sent));
  }
  phase_ = Phase::kFinished;
  return wait_framed(server_.context().config.write_stall_timeout);
}

async::Task<Status> ServerStream::start(const http::ResponseHead& head) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  response_left_ = http::declared_length(head.headers);
  if (Status sent = submit_head(head, response_left_, true); !sent.ok()) {
    return ready(std::move(sent));
  }
  phase_ = Phase::kStreaming;
  server_.send_soon();  // leaves with the first piece when that comes in this turn
  return ready(Status());
}

async::Task<Status> ServerStream::send(std::string_view data, bool end) {
  if (phase_ != Phase::kStreaming) return ready(failed_precondition("no response is streaming"));
  if (response_left_.has_value() && !omit_body_) {
    if (data.size() > *response_left_ || (end && data.size() != *response_left_)) {
      abort();
      return ready(internal("the response differs in length from its Content-Length"));
    }
    *response_left_ -= data.size();
  }
  if (end) phase_ = Phase::kFinished;
  if (omit_body_ || (data.empty() && !end)) {
    server_.send_soon();
    return ready(closed() && !local_ended() ? cancelled("the client left") : Status());
  }
  return StreamIo::write(data, end, server_.context().config.write_stall_timeout);
}

async::Task<Status> ServerStream::write(std::string_view data) { return send(data, false); }
async::Task<Status> ServerStream::finish(std::string_view last) { return send(last, true); }

async::Task<Status> ServerStream::finish_with_trailers(const http::Headers& trailers,
                                                       std::string_view last) {
  if (Status valid = trailers.validate(); !valid.ok()) return ready(std::move(valid));
  set_trailers(trailers);
  return send(last, true);
}

async::Task<Status> ServerStream::inform(const http::ResponseHead& head) {
  if (started()) return ready(failed_precondition("the request was answered already"));
  if (Status valid = head.headers.validate(); !valid.ok()) return ready(std::move(valid));
  if (head.status < 100 || head.status > 199) {
    return ready(invalid_argument("status {} is no interim one", head.status));
  }
  if (closed()) return ready(cancelled("the client left"));
  std::vector<nghttp2_nv> fields;
  const std::string status = std::to_string(head.status);
  append_field(fields, ":status", status);
  append_fields(fields, head.headers);
  (void)nghttp2_submit_headers(server_.raw(), NGHTTP2_FLAG_NONE, id(), nullptr, fields.data(),
                               fields.size(), nullptr);
  server_.send_soon();
  return ready(Status());
}

// ---- departure

void ServerStream::tell_gone() {
  if (!running_ || !gone_ || !on_gone_) return;
  const auto callback = std::move(on_gone_);
  on_gone_ = nullptr;
  callback();
}

void ServerStream::post_tell_gone() {
  ++posted_;
  server_.post(
      [](void* self) {
        auto* stream = static_cast<ServerStream*>(self);
        --stream->posted_;
        if (stream->running_) {
          stream->tell_gone();
        } else if (stream->closed() && stream->idle()) {
          stream->server_.release(stream);
        }
      },
      this);
}

void ServerStream::on_client_gone(std::function<void()> callback) {
  on_gone_ = std::move(callback);
  if (gone_ && on_gone_) post_tell_gone();
}

void ServerStream::abort() {
  phase_ = Phase::kFinished;
  reset(NGHTTP2_INTERNAL_ERROR);
}

}  // namespace nacelle::net::http2
