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

AnswerPlan Forwarder::prepare_answer(Request& request, Attempt& attempt, ResponseHead& head) {
  const RuleConfig& rule = *request.rule->config;
  prepare_response_headers(head.headers);
  AnswerPlan plan = AnswerPlan::kWatched;
  if (request.extension) plan = request.extension->on_response(head, request.record);
  if (plan != AnswerPlan::kWatched || request.restorer) head.headers.remove("content-length");
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
  return plan;
}

async::Task<Forwarder::Outcome> Forwarder::keep_answer(Request& request, Attempt& attempt,
                                                       ClientExchange& upstream) {
  ResponseHead& head = upstream.response();
  auto body = co_await upstream.read_body(kMaxRetriedAnswer);
  if (!body) co_return failed(request, attempt, upstream.stage(), body.error());
  if (request.restorer) *body = request.restorer->feed(*body, true);
  attempt.cluster.metrics.busy.increment();
  request.last_failure = fmt::format("{} answered {}", attempt.picked.address(), head.status);
  request.failure = Failure::kStatus;
  request.failed_status = head.status;
  tell_failure(request, attempt.backend, Failure::kStatus, head.status, *body);
  (void)prepare_answer(request, attempt, head);
  head.headers.remove("content-length");
  request.held_head = head;
  request.held_details = "via_upstream";
  request.held_answer = std::move(*body);
  if (request.extension) {
    auto seen = request.extension->on_piece(request.held_answer, true, request.record);
    if (seen) request.held_answer = std::string(*seen);
  }
  co_return Outcome::kFailed;
}

async::Task<Forwarder::Outcome> Forwarder::deliver(Request& request, Attempt& attempt,
                                                   ClientExchange& upstream) {
  begin_answer(request);
  ResponseHead& head = upstream.response();
  const RetryConfig& retry = request.rule->retry;
  attempt.picked.on_status(head.status);
  if (const auto text = head.headers.find("retry-after"))
    request.retry_after = parse_retry_after(*text);
  const auto length = upstream.content_length();
  const bool chosen = request.extension && request.extension->chooses_backends();
  const bool moves_on =
      chosen ? request.extension->may_move_on(head.status)
             : request.retries < retry.attempts && retriable(retry, Failure::kStatus, head.status);
  if (moves_on && !request.body_taken && (!length || *length <= kMaxRetriedAnswer))
    co_return co_await keep_answer(request, attempt, upstream);
  Result<std::string_view> first = std::string_view();
  // A short answer came in one packet with its head.
  const auto ready = request.restorer ? std::nullopt : upstream.ready_chunk();
  if (ready) {
    first = *ready;
  } else {
    first = co_await read_first(request, attempt);
  }
  if (!first) co_return failed(request, attempt, upstream.stage(), first.error());
  request.record.first_byte = now();
  request.rule->metrics->first_byte.observe(
      to_seconds(request.record.first_byte - request.record.complete));
  std::optional<StreamJournal> journal;
  if (can_resume(request, attempt) && head.status == 200 && is_event_stream(head)) {
    journal = StreamJournal::begin(head.headers.get(StreamJournal::kHeader));
  }
  head.headers.remove(StreamJournal::kHeader);
  const AnswerPlan plan = prepare_answer(request, attempt, head);
  if (journal && plan != AnswerPlan::kHeld) {
    head.headers.remove("content-length");
    co_return co_await deliver_resumable(request, attempt, upstream, *first, *journal);
  }
  if (plan == AnswerPlan::kHeld)
    co_return co_await deliver_held(request, attempt, upstream, *first);
  if (is_event_stream(head) || plan == AnswerPlan::kRewritten ||
      request.exchange.request().method == "HEAD")
    co_return co_await deliver_stream(request, attempt, upstream, *first);
  co_return co_await deliver_whole(request, attempt, upstream, *first);
}

async::Task<Forwarder::Outcome> Forwarder::deliver_whole(Request& request, Attempt& attempt,
                                                         ClientExchange& upstream,
                                                         std::string_view first) {
  const bool pool = attempt.cluster.config.kind == ClusterConfig::Kind::kPool;
  std::string held;
  ByteBudget::Share share(shared_.held_bytes);
  if (request.restorer || upstream.content_length() != first.size()) {
    if (!pool) co_return co_await deliver_stream(request, attempt, upstream, first);
    held.assign(first);
    while (!first.empty() && held.size() <= kMaxHeldAnswer && share.grow(held.size())) {
      auto chunk = co_await read_answer(request, upstream);
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

// Nothing goes to the client before all is there, so that a break is still nobody's loss.
async::Task<Forwarder::Outcome> Forwarder::deliver_held(Request& request, Attempt& attempt,
                                                        ClientExchange& upstream,
                                                        std::string_view first) {
  ByteBudget::Share share(shared_.held_bytes);
  std::string held(first);
  const std::size_t limit = request.snapshot->model.settings.limits.body_bytes;
  Status kept;
  while (!first.empty()) {
    if (held.size() > limit || !share.grow(held.size())) {
      kept = resource_exhausted("the answer has more than {} bytes", held.size());
      break;
    }
    auto chunk = co_await read_answer(request, upstream);
    if (!chunk) {
      request.record.first_byte = TimePoint{};
      co_return failed(request, attempt, upstream.stage(), chunk.error());
    }
    first = *chunk;
    held.append(first);
  }
  attempt.picked.on_first_byte();
  Result<std::string_view> body = kept.ok()
                                      ? request.extension->on_piece(held, true, request.record)
                                      : Result<std::string_view>(kept);
  if (!body) {
    attempt.cluster.metrics.broke_off.increment();
    request.record.failure = body.error().message();
    co_await reply(request, 502, fmt::format("The backend's answer: {}", body.error().message()),
                   "UPE", "upstream_response_untranslatable");
    co_return Outcome::kDone;
  }
  request.record.status = upstream.response().status;
  request.record.details = "via_upstream";
  request.record.bytes_sent = body->size();
  attempt.cluster.metrics.ok.increment();
  (void)co_await request.exchange.respond(upstream.response(), *body);
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
    Result<std::string_view> piece = chunk;
    if (extension != nullptr) piece = extension->on_piece(chunk, false, request.record);
    if (!piece) {
      upstream.cancel();
      co_await end_broken_stream(request, attempt, event_stream, between_events, piece.error());
      co_return Outcome::kDone;
    }
    if (!piece->empty()) {
      written = co_await exchange.write(*piece);
      request.record.bytes_sent += piece->size();
      between_events = piece->ends_with("\n\n");
    }
    if (!written.ok()) break;
    auto next = co_await read_answer(request, upstream);
    if (!next) {
      if (exchange.client_gone()) break;
      co_await end_broken_stream(request, attempt, event_stream, between_events, next.error());
      co_return Outcome::kDone;
    }
    chunk = *next;
  }
  if (written.ok() && !exchange.client_gone()) {
    attempt.picked.on_complete();
    Result<std::string_view> last = std::string_view();
    if (extension != nullptr) last = extension->on_piece({}, true, request.record);
    if (!last) {
      co_await end_broken_stream(request, attempt, event_stream, between_events, last.error());
      co_return Outcome::kDone;
    }
    request.record.bytes_sent += last->size();
    written = co_await exchange.finish(*last);
  }
  if (!written.ok() || exchange.client_gone()) {
    upstream.cancel();
    attempt.cluster.metrics.cancelled.increment();
    co_return Outcome::kDone;
  }
  attempt.cluster.metrics.ok.increment();
  co_return Outcome::kDone;
}

// An endpoint whose time was over, or that gave way to others, did nothing wrong.
void Forwarder::blame(Attempt& attempt, const Status& why) {
  attempt.blamed = true;
  const bool late = attempt.timed_out || why.code() == Code::kDeadlineExceeded;
  if (!attempt.timed_out && !attempt.evicted) attempt.picked.on_failure();
  (late ? attempt.cluster.metrics.timed_out : attempt.cluster.metrics.broke_off).increment();
}

// A client of an event stream is told in its own language; any other sees a cut connection, since a
// complete-looking end would be a lie.
async::Task<void> Forwarder::end_broken_stream(Request& request, Attempt& attempt,
                                               bool event_stream, bool between_events,
                                               const Status& why) {
  const bool late = attempt.timed_out || why.code() == Code::kDeadlineExceeded;
  if (!attempt.blamed) blame(attempt, why);
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
      attempt.evicted ? error_events(request.path, request.refusal.status, request.refusal.message)
                      : error_events(request.path, late ? 504 : 502,
                                     "The model server broke off; the answer is incomplete.");
  const Status written = co_await request.exchange.write(event);
  if (written.ok()) (void)co_await request.exchange.finish();
}

}  // namespace nacelle::gateway
