// deliver.cc: the answer's way back to the client.
#include <optional>

#include "gateway/forward/attempt.h"
#include "gateway/forward/local_reply.h"
#include "gateway/forwarder.h"
#include "gateway/header_rules.h"
#include "gateway/resume/stream_journal.h"
#include "telemetry/log.h"

namespace nacelle::gateway {

using net::http::ClientExchange;
using net::http::ResponseHead;
using net::http::ServerExchange;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

bool is_event_stream(const ResponseHead& head) {
  return head.headers.get("content-type").starts_with("text/event-stream");
}

}  // namespace

void Forwarder::prepare_answer(Request& request, Attempt& attempt, ResponseHead& head) {
  const RuleConfig& rule = *request.rule->config;
  prepare_response_headers(head.headers);
  if (request.extension) request.extension->on_response(head, request.record);
  attempt.picked.edit_answer(head.headers);
  for (const FilterSet* filters : {&attempt.backend.filters, &rule.filters}) {
    if (filters->response_headers) filters->response_headers->apply(head.headers);
  }
  if (rule.cors)
    rule.cors->decorate(request.exchange.request().headers.get("origin"), head.headers);
  if (rule.session) {
    const std::string session = session_of(attempt.picked.address());
    if (session != request.session) {
      if (rule.session->header) {
        head.headers.set(rule.session->name, session);
      } else {
        std::string cookie = fmt::format("{}={}; Path={}; HttpOnly; SameSite=Lax",
                                         rule.session->name, session, rule.session->path);
        if (rule.session->max_age_seconds > 0)
          cookie += fmt::format("; Max-Age={}", rule.session->max_age_seconds);
        if (request.tls) cookie += "; Secure";
        head.headers.add("set-cookie", cookie);
      }
    }
  }
}

async::Task<Forwarder::Outcome> Forwarder::deliver(Request& request, Attempt& attempt,
                                                   ClientExchange& upstream) {
  ResponseHead& head = upstream.response();
  const RetryConfig& retry = request.rule->retry;
  attempt.picked.on_status(head.status);
  if (const auto text = head.headers.find("retry-after"))
    request.retry_after = parse_retry_after(*text);
  const auto length = upstream.content_length();
  const bool again = request.retries < retry.attempts && !request.body_taken &&
                     retriable(retry, Failure::kStatus, head.status) &&
                     (!length || *length <= kMaxRetriedAnswer);
  if (again) {
    auto body = co_await upstream.read_body(kMaxRetriedAnswer);
    if (!body) co_return failed(request, attempt, upstream.stage(), body.error());
    attempt.cluster.metrics.busy.increment();
    request.last_failure = fmt::format("{} answered {}", attempt.picked.address(), head.status);
    request.failure = Failure::kStatus;
    request.failed_status = head.status;
    prepare_answer(request, attempt, head);
    head.headers.remove("content-length");
    request.held_head = head;
    request.held_answer = std::move(*body);
    co_return Outcome::kFailed;
  }
  auto first = co_await upstream.read_chunk();
  if (!first) co_return failed(request, attempt, upstream.stage(), first.error());
  request.record.first_byte = now();
  request.rule->metrics->first_byte.observe(
      to_seconds(request.record.first_byte - request.record.complete));
  std::optional<StreamJournal> journal;
  if (can_resume(request, attempt) && head.status == 200 && is_event_stream(head)) {
    journal = StreamJournal::begin(head.headers.get(StreamJournal::kHeader));
  }
  head.headers.remove(StreamJournal::kHeader);
  prepare_answer(request, attempt, head);
  if (journal) {
    head.headers.remove("content-length");
    co_return co_await deliver_resumable(request, attempt, upstream, *first, *journal);
  }
  const bool rewritten = request.extension && request.extension->rewrites_body();
  if (rewritten) head.headers.remove("content-length");
  if (is_event_stream(head) || rewritten || request.exchange.request().method == "HEAD")
    co_return co_await deliver_stream(request, attempt, upstream, *first);
  co_return co_await deliver_whole(request, attempt, upstream, *first);
}

async::Task<Forwarder::Outcome> Forwarder::deliver_whole(Request& request, Attempt& attempt,
                                                         ClientExchange& upstream,
                                                         std::string_view first) {
  const bool pool = attempt.cluster.config.kind == ClusterConfig::Kind::kPool;
  std::string held;
  ByteBudget::Share share(shared_.held_bytes);
  if (upstream.content_length() != first.size()) {
    if (!pool) co_return co_await deliver_stream(request, attempt, upstream, first);
    held.assign(first);
    while (!first.empty() && held.size() <= kMaxHeldAnswer && share.grow(held.size())) {
      auto chunk = co_await upstream.read_chunk();
      if (!chunk) {
        request.record.first_byte = TimePoint{};
        co_return failed(request, attempt, upstream.stage(), chunk.error());
      }
      first = *chunk;
      held.append(first);
    }
    if (!first.empty()) co_return co_await deliver_stream(request, attempt, upstream, held);
    first = held;
  }
  attempt.picked.on_first_byte();
  attempt.picked.on_piece(first);
  attempt.picked.on_complete();
  ResponseHead& head = upstream.response();
  head.headers.remove("content-length");  // respond() writes it
  if (request.extension) (void)request.extension->on_piece(first, true, request.record);
  request.record.status = head.status;
  request.record.details = "via_upstream";
  request.record.bytes_sent = first.size();
  attempt.cluster.metrics.ok.increment();
  (void)co_await request.exchange.respond(head, first);
  co_return Outcome::kDone;
}

async::Task<Forwarder::Outcome> Forwarder::deliver_stream(Request& request, Attempt& attempt,
                                                          ClientExchange& upstream,
                                                          std::string_view first) {
  ServerExchange& exchange = request.exchange;
  RequestExtension* extension = request.extension.get();
  const bool event_stream = is_event_stream(upstream.response());
  attempt.picked.on_first_byte();
  request.record.status = upstream.response().status;
  request.record.details = "via_upstream";
  request.record.streamed = request.record.streamed || event_stream;
  Status written = co_await exchange.start(upstream.response());
  bool between_events = true;  // the client has seen whole events only
  std::string_view chunk = first;
  while (written.ok() && !chunk.empty()) {
    attempt.picked.on_piece(chunk);
    const std::string_view piece =
        extension != nullptr ? extension->on_piece(chunk, false, request.record) : chunk;
    if (!piece.empty()) {
      written = co_await exchange.write(piece);
      request.record.bytes_sent += piece.size();
      between_events = piece.ends_with("\n\n");
    }
    if (!written.ok()) break;
    auto next = co_await upstream.read_chunk();
    if (!next) {
      if (exchange.client_gone()) break;
      co_await end_broken_stream(request, attempt, event_stream, between_events, next.error());
      co_return Outcome::kDone;
    }
    chunk = *next;
  }
  if (written.ok() && !exchange.client_gone()) {
    attempt.picked.on_complete();
    const std::string_view last =
        extension != nullptr ? extension->on_piece({}, true, request.record) : std::string_view();
    request.record.bytes_sent += last.size();
    written = co_await exchange.finish(last);
  }
  if (!written.ok() || exchange.client_gone()) {
    upstream.cancel();
    attempt.cluster.metrics.cancelled.increment();
    co_return Outcome::kDone;
  }
  attempt.cluster.metrics.ok.increment();
  co_return Outcome::kDone;
}

// A client of an event stream is told in its own language; any other sees a cut connection, since a
// complete-looking end would be a lie.
async::Task<void> Forwarder::end_broken_stream(Request& request, Attempt& attempt,
                                               bool event_stream, bool between_events,
                                               const Status& why) {
  const bool late = attempt.timed_out || why.code() == Code::kDeadlineExceeded;
  if (!attempt.timed_out && !attempt.evicted) attempt.picked.on_failure();
  (late ? attempt.cluster.metrics.timed_out : attempt.cluster.metrics.broke_off).increment();
  request.record.flags = late ? "SI" : "UC";
  request.record.details = late ? "stream_idle_timeout" : "upstream_reset_after_response_started";
  request.record.failure = why.message();
  request.record.status = late ? 504 : 502;
  log::warn("upstream broke off in mid-stream",
            {{"endpoint", attempt.picked.address()}, {"why", why}});
  if (!event_stream || !between_events) {
    request.exchange.abort();
    co_return;
  }
  const std::string event =
      fmt::format("data: {}\n\ndata: [DONE]\n\n",
                  error_body(request.path, late ? 504 : 502,
                             "The model server broke off; the answer is incomplete."));
  const Status written = co_await request.exchange.write(event);
  if (written.ok()) (void)co_await request.exchange.finish();
}

}  // namespace nacelle::gateway
