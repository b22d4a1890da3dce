// attempt.cc: one attempt: the head and body that one endpoint gets, and what its failure means.
#include "gateway/forward/attempt.h"

#include "gateway/filter/rewrite.h"
#include "gateway/forward/body_patience.h"
#include "gateway/forward/local_reply.h"
#include "gateway/forwarder.h"
#include "gateway/header_rules.h"
#include "gateway/resume/stream_journal.h"
#include "telemetry/log.h"

namespace nacelle::gateway {

using net::http::ClientExchange;
using net::http::ClientStage;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

async::Task<Status> ready(Status status) { co_return status; }

// What a streamed request body is read from.
class ClientBody final : public net::http::BodySource {
 public:
  ClientBody(Request& request, const GatewayLimits& limits)
      : request_(request), limit_(limits.body_bytes), patience_(limits) {}
  async::Task<Result<std::string_view>> next() override {
    request_.body_taken = true;
    auto piece = co_await read_patiently(request_.exchange, patience_);
    if (piece) {
      request_.record.bytes_received += piece->size();
      if (request_.record.bytes_received > limit_)
        co_return out_of_range("the request body is larger than {} bytes", limit_);
      if (piece->empty()) request_.record.complete = now();
    } else {
      failure = piece.error();
    }
    co_return piece;
  }
  Status failure;  // of the client's side

 private:
  Request& request_;
  const std::size_t limit_;
  BodyPatience patience_;
};

}  // namespace

// The head as this endpoint gets it. The client's own stays as it came, for the next attempt.
void Forwarder::prepare_head(Request& request, Attempt& attempt) {
  const net::http::RequestHead& original = request.exchange.request();
  const RuleConfig& rule = *request.rule->config;
  const Settings& settings = request.snapshot->model.settings;
  attempt.head.method = original.method;
  attempt.head.target = original.target;
  attempt.head.headers.borrow(original.headers);  // which stay as they came for all attempts
  net::http::Headers& headers = attempt.head.headers;
  ForwardedBy by;
  by.peer_ip = request.record.peer;
  by.scheme = request.tls ? "https" : "http";
  by.request_id = request.record.request_id;
  by.trusted_hops = settings.trusted_hops;
  prepare_request_headers(headers, by);
  headers.set_known("traceparent", request.record.trace.traceparent());
  headers.remove(StreamJournal::kHeader);
  if (can_resume(request, attempt)) headers.set_known(StreamJournal::kHeader, "1");
  for (const FilterSet* filters : {&rule.filters, &attempt.backend.filters}) {
    if (filters->rewrite) {
      if (!filters->rewrite->hostname.empty()) headers.set("host", filters->rewrite->hostname);
      if (filters->rewrite->path) {
        const std::string path =
            filters->rewrite->path->apply(request.path, request.entry->match.path.value);
        attempt.head.target = with_path(path, request.query);
      }
    }
    if (filters->request_headers) filters->request_headers->apply(headers);
  }
  attempt.picked.edit_request(headers);
}

async::Task<Status> Forwarder::send(Request& request, Attempt& attempt, ClientExchange& upstream) {
  const RuleConfig& rule = *request.rule->config;
  auto address = net::parse_host_port(attempt.picked.address());
  if (!address) return ready(address.error());
  net::http::ClientOptions options;
  options.connect_timeout = attempt.cluster.config.traffic.connect_timeout;
  options.head_timeout = rule.first_byte_timeout;
  options.tls = attempt.cluster.tls;
  if (attempt.cluster.config.http2) options.protocol = net::http::Protocol::kHttp2;
  options.read_idle_timeout = rule.stream_idle_timeout;  // read_first() has another one
  if (!request.body_held)
    return send_streamed(request, attempt, upstream, std::move(*address), options);
  const bool rewritten =
      attempt.resumed || (request.extension && request.extension->rewrites_request());
  return upstream.send(*address, attempt.head, rewritten ? attempt.body : request.outgoing_body(),
                       options);
}

async::Task<Status> Forwarder::send_streamed(Request& request, Attempt& attempt,
                                             ClientExchange& upstream, net::HostPort address,
                                             net::http::ClientOptions options) {
  ClientBody body(request, request.snapshot->model.settings.limits);
  const Status sent = co_await upstream.send_stream(address, attempt.head, body,
                                                    request.exchange.content_length(), options);
  attempt.client_failure = body.failure;
  co_return sent;
}

async::Task<Forwarder::Outcome> Forwarder::attempt(Request& request, Attempt& attempt) {
  const RuleConfig& rule = *request.rule->config;
  prepare_head(request, attempt);
  if (request.extension) {
    if (request.extension->rewrites_request()) attempt.body = request.outgoing_body();
    auto answer =
        request.extension->on_attempt(attempt.backend, attempt.head, attempt.body, request.record);
    if (answer && answer->is_outcome) co_return refused(request, attempt.backend, *answer);
    if (answer) {
      co_await reply(request, *answer);
      co_return Outcome::kDone;
    }
  }
  ClientExchange upstream(*client_);
  attempt.upstream = &upstream;
  TimePoint deadline = request.deadline;
  if (rule.backend_timeout > Duration::zero())
    deadline = std::min(deadline, now() + rule.backend_timeout);
  const AttemptGuard guard(request.exchange, upstream, deadline, attempt.timed_out);
  const EvictionGuard eviction(request, upstream, attempt.evicted);
  const Status sent = co_await send(request, attempt, upstream);
  if (!sent.ok()) {
    if (!request.body_held && sent.code() == Code::kOutOfRange) {
      co_await reply(request, 413, sent.message(), "-", "request_payload_too_large");
      co_return Outcome::kDone;
    }
    if (!attempt.client_failure.ok() && !request.exchange.client_gone()) {
      const bool late = attempt.client_failure.code() == Code::kDeadlineExceeded;
      co_await reply(request, late ? 408 : 400, attempt.client_failure.message(),
                     late ? "SI" : "DPE", late ? "request_body_timeout" : "body_framing");
      co_return Outcome::kDone;
    }
    co_return failed(request, attempt, upstream.stage(), sent);
  }
  co_return co_await deliver(request, attempt, upstream);
}

// We refused the attempt ourselves; the answer counts as the backend's.
Forwarder::Outcome Forwarder::refused(Request& request, const BackendConfig& backend,
                                      LocalReply& answer) {
  request.failure = Failure::kStatus;
  request.failed_status = answer.status;
  request.last_failure = answer.message;
  request.held_head = reply_head(answer);
  request.held_details = answer.details;
  request.held_answer = answer.body.empty()
                            ? error_body(request.path, answer.status, std::move(answer.message))
                            : std::move(answer.body);
  tell_failure(request, backend, Failure::kStatus, answer.status, {});
  return Outcome::kFailed;
}

Forwarder::Outcome Forwarder::failed(Request& request, Attempt& attempt, ClientStage stage,
                                     const Status& why) {
  ClusterMetrics& metrics = attempt.cluster.metrics;
  if (request.exchange.client_gone()) {
    metrics.cancelled.increment();
    return Outcome::kDone;
  }
  const bool chosen = request.extension && request.extension->chooses_backends();
  if (request.rule->config->retry || chosen) request.held_head.reset();  // the last failure is told
  request.failed_status = 0;
  const bool connecting = stage == ClientStage::kConnecting || stage == ClientStage::kIdle;
  if (attempt.timed_out || (!connecting && why.code() == Code::kDeadlineExceeded)) {
    request.failure = Failure::kTimeout;
    metrics.timed_out.increment();
  } else if (connecting) {
    request.failure = Failure::kConnect;
    metrics.connect_failed.increment();
  } else {
    request.failure = Failure::kReset;
    metrics.broke_off.increment();
  }
  if (!attempt.evicted) attempt.picked.on_failure();
  tell_failure(request, attempt.backend, request.failure, 0, {});
  request.last_failure = attempt.timed_out
                             ? fmt::format("{}: no answer in time", attempt.picked.address())
                             : why.message();
  log::warn("endpoint failed before its first byte", {{"endpoint", attempt.picked.address()},
                                                      {"stage", net::http::to_string(stage)},
                                                      {"why", request.last_failure}});
  return Outcome::kFailed;
}

}  // namespace nacelle::gateway
