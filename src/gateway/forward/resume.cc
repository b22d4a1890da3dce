// resume.cc: a stream whose engine dies goes on from another one, and the client sees no seam.
#include "async/timer.h"
#include "gateway/forward/attempt.h"
#include "gateway/forwarder.h"
#include "gateway/resume/stream_journal.h"
#include "telemetry/log.h"

namespace nacelle::gateway {

using net::http::ClientExchange;
using net::http::ServerExchange;

namespace {

constexpr int kMaxResumes = 8;
constexpr Duration kPauseWithoutEndpoint = 250ms;  // one may come back

}  // namespace

bool Forwarder::can_resume(const Request& request, const Attempt& attempt) const {
  return request.rule->config->resume && request.body_held && request.facts.stream &&
         attempt.cluster.config.kind == ClusterConfig::Kind::kPool;
}

async::Task<Forwarder::StreamEnd> Forwarder::pump(Request& request, StreamJournal& journal,
                                                  PickedEndpoint& picked, ClientExchange& upstream,
                                                  std::string_view chunk, Status& why) {
  ServerExchange& exchange = request.exchange;
  for (;;) {
    if (chunk.empty()) {
      if (journal.done() || !journal.resumable()) co_return StreamEnd::kFinished;
      why = data_loss("the stream ended before its answer did");
      co_return StreamEnd::kBroken;
    }
    picked.on_piece(chunk);
    // The extension sees what the client is to see: each event once, whoever made it.
    const std::string fed = journal.feed(chunk);
    Result<std::string_view> piece = std::string_view(fed);
    if (request.extension && !fed.empty())
      piece = request.extension->on_piece(fed, false, request.record);
    if (!piece) {
      why = piece.error();
      co_return StreamEnd::kRefused;
    }
    if (!piece->empty()) {
      const Status written = co_await exchange.write(*piece);
      request.record.bytes_sent += piece->size();
      if (!written.ok()) co_return StreamEnd::kClientGone;
    }
    auto next = co_await read_answer(request, upstream);
    if (!next) {
      if (exchange.client_gone()) co_return StreamEnd::kClientGone;
      if (journal.done()) co_return StreamEnd::kFinished;
      why = next.error();
      co_return StreamEnd::kBroken;
    }
    chunk = *next;
  }
}

async::Task<Forwarder::StreamEnd> Forwarder::resume_once(Request& request, StreamJournal& journal,
                                                         Attempt& broken, Status& why) {
  const PickRequest wanted = pick_request(request, broken.cluster);
  auto picked = broken.cluster.picker->pick(wanted, request.tried);
  if (!picked) {
    request.tried.clear();  // those that failed may have come back
    co_await async::sleep_for(kPauseWithoutEndpoint);
    picked = broken.cluster.picker->pick(wanted, request.tried);
  }
  if (!picked) {
    why = picked.error();
    co_return StreamEnd::kBroken;
  }
  request.tried.push_back((*picked)->address());
  request.record.upstream_host = request.tried.back();
  ++request.record.attempts;
  broken.cluster.metrics.retries.increment();

  Attempt one{broken.backend, broken.cluster, **picked};
  prepare_head(request, one);
  const bool rewritten = request.extension && request.extension->rewrites_request();
  one.body = journal.resume_body(rewritten ? broken.body : request.outgoing_body());
  one.resumed = true;
  if (request.extension) {
    why = request.extension->on_resume(one.head, one.body, request.record);
    if (!why.ok()) co_return StreamEnd::kRefused;
  }
  ClientExchange upstream(*client_);
  one.upstream = &upstream;
  const AttemptGuard guard(request.exchange, upstream, request.deadline, one.timed_out);
  const Status sent = co_await send(request, one, upstream);
  if (request.exchange.client_gone()) co_return StreamEnd::kClientGone;
  if (!sent.ok()) {
    why = sent;
    (*picked)->on_failure();
    co_return StreamEnd::kBroken;
  }
  (*picked)->on_status(upstream.response().status);
  if (upstream.response().status != 200 ||
      upstream.response().headers.get(StreamJournal::kHeader).empty()) {
    why = unavailable("{} answered {} to a stream that goes on", (*picked)->address(),
                      upstream.response().status);
    co_return StreamEnd::kBroken;
  }
  begin_answer(request);
  auto first = co_await read_first(request, one);
  if (!first) {
    why = first.error();
    (*picked)->on_failure();
    co_return request.exchange.client_gone() ? StreamEnd::kClientGone : StreamEnd::kBroken;
  }
  (*picked)->on_first_byte();
  journal.restart();
  log::info("stream goes on elsewhere",
            {{"endpoint", (*picked)->address()}, {"tokens", journal.num_tokens()}});
  const StreamEnd end = co_await pump(request, journal, **picked, upstream, *first, why);
  if (end == StreamEnd::kBroken && !one.timed_out) (*picked)->on_failure();
  co_return end;
}

async::Task<Forwarder::Outcome> Forwarder::deliver_resumable(Request& request, Attempt& attempt,
                                                             ClientExchange& upstream,
                                                             std::string_view first,
                                                             StreamJournal& journal) {
  attempt.picked.on_first_byte();
  request.record.status = 200;
  request.record.details = "via_upstream";
  request.record.streamed = true;
  const Status started = co_await request.exchange.start(upstream.response());
  Status why;
  StreamEnd end = StreamEnd::kClientGone;
  if (started.ok()) end = co_await pump(request, journal, attempt.picked, upstream, first, why);
  if (end == StreamEnd::kBroken) blame(attempt, why);
  for (int n = 0; end == StreamEnd::kBroken && journal.resumable() && !attempt.timed_out &&
                  !attempt.evicted && !shared_.draining && n < kMaxResumes;
       ++n) {
    if (std::chrono::steady_clock::now() >= request.deadline) {
      attempt.timed_out = true;
      break;
    }
    log::warn("upstream broke off in mid-stream; resuming",
              {{"endpoint", request.record.upstream_host}, {"why", why}});
    end = co_await resume_once(request, journal, attempt, why);
    if (end == StreamEnd::kFinished) attempt.cluster.metrics.resumed.increment();
  }
  std::string rest;
  if (end == StreamEnd::kFinished) {
    rest = journal.take_rest();
    if (request.extension) {
      auto last = request.extension->on_piece(rest, true, request.record);
      if (!last) {
        why = last.error();
        end = StreamEnd::kRefused;
      } else {
        rest = std::string(*last);
      }
    }
  }
  if (end == StreamEnd::kBroken || end == StreamEnd::kRefused) {
    upstream.cancel();
    co_await end_broken_stream(request, attempt, true, true, why);
    co_return Outcome::kDone;
  }
  if (end == StreamEnd::kFinished) {
    request.record.bytes_sent += rest.size();
    const Status finished = co_await request.exchange.finish(rest);
    if (finished.ok()) {
      if (request.record.attempts == 1) attempt.picked.on_complete();
      attempt.cluster.metrics.ok.increment();
      co_return Outcome::kDone;
    }
  }
  upstream.cancel();
  attempt.cluster.metrics.cancelled.increment();
  co_return Outcome::kDone;
}

}  // namespace nacelle::gateway
