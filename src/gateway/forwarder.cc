#include "gateway/forwarder.h"

#include <optional>

#include "gateway/header_rules.h"
#include "gateway/request_id.h"
#include "openai/error.h"
#include "telemetry/log.h"

namespace nacelle::gateway {

using net::http::ClientExchange;
using net::http::ClientStage;
using net::http::ResponseHead;
using net::http::ServerExchange;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

bool is_event_stream(const ResponseHead& head) {
  return head.headers.get("content-type").starts_with("text/event-stream");
}

// While it lives, a departing client cancels the upstream request.
class CancelOnDeparture {
 public:
  CancelOnDeparture(ServerExchange& exchange, ClientExchange& upstream) : exchange_(exchange) {
    exchange_.on_client_gone([&upstream] { upstream.cancel(); });
  }
  ~CancelOnDeparture() { exchange_.on_client_gone({}); }
  CancelOnDeparture(const CancelOnDeparture&) = delete;
  CancelOnDeparture& operator=(const CancelOnDeparture&) = delete;

 private:
  ServerExchange& exchange_;
};

}  // namespace

// One client request on its way, over all attempts.
struct Forwarder::Request {
  ServerExchange& exchange;
  std::string body;
  RequestFacts facts;
  std::string method, path;  // for the log: the head is edited
  TimePoint complete{};
  std::vector<std::string> tried;
  // The answer of the last endpoint that was too busy, given when nobody else takes the request.
  std::optional<ResponseHead> busy_head;
  std::string busy_body;
  std::string last_failure;
  bool streaming = false;  // bytes of an event stream went to the client
};

Forwarder::Forwarder(async::Loop& loop, const GatewayLimits& limits, EndpointPicker& picker,
                     GatewayMetrics& metrics)
    : limits_(limits), picker_(picker), metrics_(metrics), client_(loop) {}

async::Task<void> Forwarder::forward(ServerExchange& exchange) {
  Request request{exchange};
  request.method = exchange.request().method;
  request.path = std::string(exchange.request().path());
  request.complete = now();
  metrics_.active_requests.add(1);
  if (const bool complete = co_await read_request(request); complete) {
    PickRequest wanted{request.facts.model, request.facts.cache_salt, request.facts.prompt};
    bool done = false;
    while (!done && request.tried.size() < limits_.max_attempts) {
      auto picked = picker_.pick(wanted, request.tried);
      if (!picked) {
        if (request.last_failure.empty()) request.last_failure = picked.error().message();
        break;
      }
      request.tried.push_back((*picked)->address());
      done = co_await attempt(request, **picked) == Attempt::kDone;
    }
    if (!done && request.busy_head) {
      co_await answer(request, *request.busy_head, request.busy_body);
    } else if (!done) {
      std::string message =
          fmt::format("No model server could take the request: {}", request.last_failure);
      co_await refuse(request, 503, std::move(message));
    }
  }
  metrics_.active_requests.add(-1);
}

async::Task<bool> Forwarder::read_request(Request& request) {
  auto body = co_await request.exchange.read_body(limits_.body_bytes);
  request.complete = now();
  if (!body) {
    switch (body.error().code()) {
      case Code::kOutOfRange: {
        std::string message = fmt::format(
            "The request body is larger than the {} bytes accepted here.", limits_.body_bytes);
        co_await refuse(request, 413, std::move(message));
        break;
      }
      case Code::kDeadlineExceeded:
        co_await refuse(request, 408, "The request body did not come in time.");
        break;
      case Code::kInvalidArgument:
        co_await refuse(request, 400, body.error().message());
        break;
      default:
        finish(request, 499);
    }
    co_return false;
  }
  request.body = std::move(*body);
  if (!request.body.empty()) request.facts = inspector_.inspect(request.body);
  const std::string peer = request.exchange.peer().address().to_string();
  prepare_request_headers(request.exchange.request().headers, peer, new_request_id());
  co_return true;
}

async::Task<Forwarder::Attempt> Forwarder::attempt(Request& request, PickedEndpoint& picked) {
  auto address = net::parse_host_port(picked.address());
  if (!address) co_return failed(request, picked, ClientStage::kConnecting, address.error());
  ClientExchange upstream(client_);
  const CancelOnDeparture watch(request.exchange, upstream);
  net::http::ClientOptions options;
  options.connect_timeout = limits_.connect_timeout;
  options.head_timeout = limits_.first_byte_timeout;
  options.read_idle_timeout = limits_.stream_idle_timeout;
  const Status sent =
      co_await upstream.send(*address, request.exchange.request(), request.body, options);
  if (!sent.ok()) co_return failed(request, picked, upstream.stage(), sent);

  ResponseHead& head = upstream.response();
  prepare_response_headers(head.headers);
  if (head.status == 503) {
    auto body = co_await upstream.read_body(kMaxHeldAnswer);
    if (!body) co_return failed(request, picked, upstream.stage(), body.error());
    metrics_.attempts_busy.increment();
    request.last_failure = fmt::format("{} is busy", picked.address());
    request.busy_head = head;
    request.busy_body = std::move(*body);
    co_return Attempt::kTryAnother;
  }
  auto first = co_await upstream.read_chunk();
  if (!first) co_return failed(request, picked, upstream.stage(), first.error());
  metrics_.first_byte_seconds.observe(to_seconds(now() - request.complete));
  if (is_event_stream(head)) co_return co_await pass_stream(request, upstream, picked, *first);
  co_return co_await pass_whole(request, upstream, picked, *first);
}

async::Task<Forwarder::Attempt> Forwarder::pass_whole(Request& request, ClientExchange& upstream,
                                                      PickedEndpoint& picked,
                                                      std::string_view first) {
  std::string held;
  if (upstream.content_length() != first.size()) {
    held.assign(first);
    while (!first.empty() && held.size() <= kMaxHeldAnswer) {
      auto chunk = co_await upstream.read_chunk();
      if (!chunk) co_return failed(request, picked, upstream.stage(), chunk.error());
      first = *chunk;
      held.append(first);
    }
    if (!first.empty()) co_return co_await pass_stream(request, upstream, picked, held);
    first = held;
  }
  picked.on_first_byte();
  metrics_.attempts_ok.increment();
  co_await answer(request, upstream.response(), first);
  co_return Attempt::kDone;
}

async::Task<Forwarder::Attempt> Forwarder::pass_stream(Request& request, ClientExchange& upstream,
                                                       PickedEndpoint& picked,
                                                       std::string_view first) {
  ServerExchange& exchange = request.exchange;
  picked.on_first_byte();
  const int status = upstream.response().status;
  Status written = co_await exchange.start(upstream.response());
  bool between_events = true;  // the client has seen whole events only
  std::string_view chunk = first;
  while (written.ok() && !chunk.empty()) {
    written = co_await exchange.write(chunk);
    between_events = chunk.ends_with("\n\n");
    if (!written.ok()) break;
    auto next = co_await upstream.read_chunk();
    if (!next) {
      if (exchange.client_gone()) break;
      picked.on_failure();
      metrics_.attempts_broke_off.increment();
      log::warn("upstream broke off in mid-stream",
                {{"endpoint", picked.address()}, {"why", next.error()}});
      if (!is_event_stream(upstream.response()) || !between_events) {
        exchange.abort();
        finish(request, 502);
        co_return Attempt::kDone;
      }
      const std::string event =
          fmt::format("data: {}\n\ndata: [DONE]\n\n",
                      openai::to_json(openai::http_error(
                          502, "The model server broke off; the answer is incomplete.")));
      written = co_await exchange.write(event);
      if (written.ok()) written = co_await exchange.finish();
      finish(request, 502);
      co_return Attempt::kDone;
    }
    chunk = *next;
  }
  if (written.ok() && !exchange.client_gone()) written = co_await exchange.finish();
  if (!written.ok() || exchange.client_gone()) {
    upstream.cancel();
    metrics_.attempts_cancelled.increment();
    finish(request, 499);
    co_return Attempt::kDone;
  }
  metrics_.attempts_ok.increment();
  finish(request, status);
  co_return Attempt::kDone;
}

Forwarder::Attempt Forwarder::failed(Request& request, PickedEndpoint& picked, ClientStage stage,
                                     const Status& why) {
  if (request.exchange.client_gone()) {
    metrics_.attempts_cancelled.increment();
    finish(request, 499);
    return Attempt::kDone;
  }
  (stage == ClientStage::kConnecting ? metrics_.attempts_connect_failed
                                     : metrics_.attempts_broke_off)
      .increment();
  picked.on_failure();
  request.last_failure = fmt::format("{}: {}", picked.address(), why.message());
  log::warn("endpoint failed before its first byte, trying another",
            {{"endpoint", picked.address()}, {"stage", net::http::to_string(stage)}, {"why", why}});
  return Attempt::kTryAnother;
}

async::Task<void> Forwarder::answer(Request& request, const ResponseHead& head,
                                    std::string_view body) {
  const int status = head.status;
  const Status written = co_await request.exchange.respond(head, body);
  finish(request, written.ok() ? status : 499);
}

async::Task<void> Forwarder::refuse(Request& request, int status, std::string message) {
  ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "application/json");
  if (status == 503) head.headers.add("retry-after", "1");
  const std::string body = openai::to_json(openai::http_error(status, std::move(message)));
  co_await answer(request, head, body);
}

void Forwarder::finish(Request& request, int status) {
  const double seconds = to_seconds(now() - request.complete);
  metrics_.duration_seconds.observe(seconds);
  metrics_.requests.with({std::to_string(status)}).increment();
  log::info("request",
            {{"method", request.method},
             {"path", request.path},
             {"status", status},
             {"model", request.facts.model},
             {"endpoint",
              request.tried.empty() ? std::string_view() : std::string_view(request.tried.back())},
             {"attempts", request.tried.size()},
             {"seconds", seconds}});
}

}  // namespace nacelle::gateway
