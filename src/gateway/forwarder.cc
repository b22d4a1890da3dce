#include "gateway/forwarder.h"

#include <optional>

#include "gateway/forward/body_patience.h"
#include "gateway/forward/local_reply.h"
#include "gateway/header_rules.h"
#include "gateway/observe/access_line.h"
#include "gateway/observe/exchange_span.h"
#include "gateway/request_id.h"
#include "gateway/route/host_pattern.h"
#include "gateway/route/path.h"
#include "telemetry/log.h"

namespace nacelle::gateway {

using net::http::RequestHead;
using net::http::ResponseHead;
using net::http::ServerExchange;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

std::string_view protocol_of(net::http::Version version) {
  switch (version) {
    case net::http::Version::kHttp10:
      return "HTTP/1.0";
    case net::http::Version::kHttp11:
      return "HTTP/1.1";
    default:
      return "HTTP/2";
  }
}

constexpr std::string_view kTooLarge = "request_payload_too_large";

std::string too_large(const Request& request) {
  return fmt::format("The request body is larger than the {} bytes accepted here.",
                     request.snapshot->model.settings.limits.body_bytes);
}

LocalReply refusal(int status, std::string message, std::string_view flags,
                   std::string_view details) {
  LocalReply answer;
  answer.status = status;
  answer.message = std::move(message);
  answer.flags = flags;
  answer.details = details;
  return answer;
}

// Counts a request in hand while it lives.
class InHand {
 public:
  explicit InHand(GatewayShared& shared) : shared_(shared) {
    count_ = shared_.requests.fetch_add(1, std::memory_order_relaxed) + 1;
    shared_.metrics.active_requests.add(1);
  }
  ~InHand() {
    shared_.requests.fetch_sub(1, std::memory_order_relaxed);
    shared_.metrics.active_requests.add(-1);
  }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  GatewayShared& shared_;
  std::size_t count_;
};

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = cookies.substr(0, end);
    while (pair.starts_with(" ")) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

}  // namespace

Forwarder::Forwarder(async::Loop& loop, std::shared_ptr<GatewayShared> shared)
    : loop_(loop),
      shared_owner_(std::move(shared)),
      shared_(*shared_owner_),
      client_(std::make_shared<net::http::HttpClient>(loop)),
      models_(shared_.metrics.models),
      random_(std::random_device{}()) {}

async::Task<void> Forwarder::forward(ServerExchange& exchange, std::uint32_t port_id,
                                     std::uint16_t port_number) {
  Request request(exchange, snapshot_);
  request.port_number = port_number;
  request.tls = exchange.tls() != nullptr;
  const InHand place(shared_);
  begin(request);
  const GatewayLimits& limits = request.snapshot->model.settings.limits;
  if (limits.max_requests > 0 && place.count() > limits.max_requests) {
    shared_.metrics.refused_overload.increment();
    co_await reply(request, 503, "The gateway has as many requests in hand as it takes.", "OM",
                   "overload");
  } else {
    co_await handle(request, port_id);
  }
  finish(request);
  spare_bodies_.keep(std::move(request.body));
}

void Forwarder::begin(Request& request) {
  ExchangeRecord& record = request.record;
  const RequestHead& head = request.exchange.request();
  const Settings& settings = request.snapshot->model.settings;
  record.started = record.complete = now();
  record.started_at = std::chrono::system_clock::now();
  record.method = head.method;
  record.path = head.target;
  record.peer = net::ip_text(request.exchange.peer());
  const std::string_view id = head.headers.get("x-request-id");
  const bool keep = settings.keep_request_id && !id.empty() && id.size() <= 128;
  record.request_id = keep ? std::string(id) : new_request_id();
  record.trace =
      tracing::next_trace(head.headers.find("traceparent"), settings.tracing.sample_ratio);
  if (!request.snapshot->access_log && shared_.spans == nullptr) return;
  record.protocol = protocol_of(head.version);
  record.authority = head.headers.get("host");
  record.user_agent = head.headers.get("user-agent");
  record.forwarded_for = head.headers.get("x-forwarded-for");
  record.session = head.headers.get("agent-session-id");
}

void Forwarder::finish(Request& request) {
  ExchangeRecord& record = request.record;
  record.ended = now();
  if (request.exchange.client_gone() && !request.exchange.finished()) {
    record.status = 0;
    record.flags = "DC";
    record.details = "downstream_remote_disconnect";
  }
  if (request.rule != nullptr) {
    request.rule->metrics->count(record.status);
    request.rule->metrics->duration.observe(to_seconds(record.ended - record.complete));
  } else {
    shared_.metrics.route("unmatched").count(record.status);
  }
  if (request.extension) request.extension->on_end(record);
  if (!record.model.empty()) models_.record(record, operation_of(request.path));
  if (shared_.spans != nullptr && record.trace.sampled) {
    shared_.spans->add(span_of(record));
  }
  if (request.snapshot->access_log) request.snapshot->access_log->write(access_line(record));
  if (log::enabled(log::Level::kDebug)) {
    log::debug("request", {{"id", record.request_id},
                           {"method", record.method},
                           {"status", record.status},
                           {"route", record.route},
                           {"endpoint", record.upstream_host},
                           {"attempts", record.attempts},
                           {"seconds", to_seconds(record.ended - record.started)}});
  }
}

async::Task<void> Forwarder::handle(Request& request, std::uint32_t port_id) {
  std::optional<LocalReply> answer = take_path(request);
  if (!answer && request.snapshot->model.extension) {
    if (const bool goes_on = co_await begin_extension(request); !goes_on) co_return;
  }
  if (!answer && select_rule(request, port_id, answer) == Selection::kNeedsModel) {
    if (const bool held = co_await hold_body(request); !held) co_return;
    (void)select_rule(request, port_id, answer);
  }
  if (answer) {
    co_await reply(request, *answer);
    co_return;
  }
  const RuleConfig& rule = *request.rule->config;
  if (rule.request_timeout > Duration::zero())
    request.deadline = request.record.started + rule.request_timeout;
  if ((answer = answer_by_filter(request))) {
    co_await reply(request, *answer);
    co_return;
  }
  if (rule.tag != kNoTag && !request.extension) {
    co_await reply(request, 404, "Not Found: no endpoint of a model has this method and path.",
                   "NR", "route_not_found");
    co_return;
  }

  const auto length = request.exchange.content_length();
  if (length && *length > request.snapshot->model.settings.limits.body_bytes) {
    std::string message = too_large(request);
    co_await reply(request, 413, std::move(message), "-", kTooLarge);
    co_return;
  }
  const bool small = length && *length <= request.snapshot->model.settings.limits.retry_body_bytes;
  if (!request.body_held && (rule.holds_body || small)) {
    if (const bool held = co_await hold_body(request); !held) co_return;
  }
  if (request.extension) {
    answer = request.extension->on_route(request.exchange.request(), rule, request.record);
    if (answer) {
      co_await reply(request, *answer);
      co_return;
    }
  }
  if (!rule.mirrors.empty()) mirror(request);
  if (rule.session) {
    const auto& headers = request.exchange.request().headers;
    request.session = rule.session->header
                          ? headers.get(rule.session->name)
                          : cookie_value(headers.get("cookie"), rule.session->name);
  }
  co_await run_attempts(request);
}

// The path in the form that is routed and forwarded; an answer when it has none.
std::optional<LocalReply> Forwarder::take_path(Request& request) {
  RequestHead& head = request.exchange.request();
  if (is_normal_path(head.path())) {
    request.path = head.path();
  } else if (auto normal = normalize_path(head.path())) {
    request.path = std::move(*normal);
    const std::string target = with_path(request.path, head.query());
    head.target = target;
  } else {
    return refusal(400, "The path leaves its root.", "IH", "path_normalization_failed");
  }
  request.query = head.query();
  return std::nullopt;
}

Forwarder::Selection Forwarder::select_rule(Request& request, std::uint32_t port_id,
                                            std::optional<LocalReply>& answer) {
  ServerExchange& exchange = request.exchange;
  const RequestHead& head = exchange.request();
  const std::string host = host_of(head.host());
  RouteQuery query;
  if (request.extension || request.body_held) query.model = request.facts.model;
  query.host = host;
  query.method = head.method;
  query.path = request.path;
  query.query = request.query;
  query.headers = &head.headers;
  const Snapshot& snapshot = *request.snapshot;
  if (const PortRuntime* runtime = snapshot.port(port_id); runtime != nullptr) {
    // A client without SNI (by address) chose no host when it connected.
    const net::TlsInfo* tls = exchange.tls();
    const bool named = tls != nullptr && !tls->server_name.empty();
    std::optional<std::string> server_name;
    if (named) server_name = host_of(tls->server_name);
    const auto choice = runtime->table.choose(host, server_name);
    if (choice.kind == PortTable::Choice::Kind::kMisdirected) {
      answer =
          refusal(421, "This connection was opened for another host.", "NR", "misdirected_request");
      return Selection::kDone;
    }
    if (choice.listener != nullptr) {
      request.record.listener = choice.listener->name;
      const RouteFound found = choice.listener->routes.find(query);
      if (found.kind == RouteFound::Kind::kNeedsModel) return Selection::kNeedsModel;
      if (found.kind == RouteFound::Kind::kEntry) {
        request.entry = found.entry;
        request.rule = &snapshot.rules[found.entry->target];
        request.record.cluster = request.rule->config->cluster_name;
        request.record.route = request.rule->config->route;
        return Selection::kDone;
      }
    }
  }
  if (request.path == "/health" || request.path == "/ping") {
    LocalReply& health = answer.emplace();
    health.status = snapshot.any_serving() && !shared_.draining.load() ? 200 : 503;
    health.headers.add("content-type", "text/plain");
    health.body = health.status == 200 ? "OK\n" : "no endpoint serves\n";
    return Selection::kDone;
  }
  std::string message = fmt::format("Not Found: {} {}", head.method, head.path());
  if (request.body_held && !request.facts.model.empty())
    message += fmt::format("; no route serves the model '{}'", request.facts.model);
  answer = refusal(404, std::move(message), "NR", "route_not_found");
  return Selection::kDone;
}

// Keys and the like come before routes: who has none learns nothing of them.
async::Task<bool> Forwarder::begin_extension(Request& request) {
  const RequestHead& head = request.exchange.request();
  request.extension = request.snapshot->model.extension->begin(head, request.path);
  if (!request.extension) co_return true;
  auto answer = request.extension->on_head(head, request.record);
  if (!answer) {
    if (const bool held = co_await hold_body(request); !held) co_return false;
    answer = request.extension->on_body(request.facts, request.record);
  }
  if (answer) co_await reply(request, *answer);
  co_return !answer;
}

async::Task<bool> Forwarder::hold_body(Request& request) {
  ServerExchange& exchange = request.exchange;
  const std::size_t limit = request.snapshot->model.settings.limits.body_bytes;
  request.share = ByteBudget::Share(shared_.held_bytes);
  const auto length = exchange.content_length();
  Status status;
  if (length == 0u) {
    request.body_held = true;
    co_return true;
  }
  if (length && *length > limit) {
    status = out_of_range("declared");
  } else if (length && !request.share.grow(*length)) {
    status = resource_exhausted("budget");
  } else {
    request.body = spare_bodies_.take();
    if (length) request.body.reserve(*length + 64);  // and the padding that a reader wants
    bool waited = false;
    BodyPatience patience(request.snapshot->model.settings.limits);
    while (status.ok()) {
      std::optional<std::string_view> piece = exchange.ready_chunk();
      if (piece) {
        (void)patience.piece(Duration::zero(), piece->size());
      } else {
        waited = true;
        auto awaited = co_await read_patiently(exchange, patience);
        if (awaited) piece = *awaited;
        if (!awaited) status = awaited.error();
      }
      if (!piece || piece->empty()) break;
      if (piece->size() > limit - request.body.size()) {
        status = out_of_range("body");
      } else if (!request.share.grow(request.body.size() + piece->size())) {
        status = resource_exhausted("budget");
      } else {
        request.body.append(*piece);
      }
    }
    if (waited) request.record.complete = now();
  }
  request.record.bytes_received = request.body.size();
  if (status.ok()) {
    request.body_held = true;
    request.facts = request.body.starts_with("--")
                        ? form_facts(exchange.request().headers.get("content-type"), request.body)
                        : inspector_.inspect(request.body);
    request.record.model = request.facts.model;
    request.record.streamed = request.facts.stream;
    co_return true;
  }
  switch (status.code()) {
    case Code::kOutOfRange: {
      std::string message = too_large(request);
      co_await reply(request, 413, std::move(message), "-", kTooLarge);
      break;
    }
    case Code::kResourceExhausted:
      shared_.metrics.refused_budget.increment();
      co_await reply(request, 503, "The gateway holds as many bytes of requests as it may.", "OM",
                     "body_budget_exhausted");
      break;
    case Code::kDeadlineExceeded:
      co_await reply(request, 408, "The request body did not come in time.", "SI",
                     "request_body_timeout");
      break;
    case Code::kInvalidArgument:
      co_await reply(request, 400, status.message(), "DPE", "body_framing");
      break;
    default:
      request.record.flags = "DC";
  }
  co_return false;
}

async::Task<void> Forwarder::reply(Request& request, int status, std::string message,
                                   std::string_view flags, std::string_view details) {
  LocalReply answer = refusal(status, std::move(message), flags, details);
  co_await reply(request, answer);
}

async::Task<void> Forwarder::reply(Request& request, LocalReply& answer) {
  ResponseHead head = reply_head(answer);
  if (request.rule != nullptr && request.rule->config->cors &&
      !head.headers.contains("access-control-allow-methods")) {
    request.rule->config->cors->decorate(request.exchange.request().headers.get("origin"),
                                         head.headers);
  }
  if (answer.body.empty() && answer.status >= 400)
    answer.body = error_body(request.path, answer.status, std::move(answer.message));
  request.record.status = answer.status;
  request.record.flags = answer.flags;
  request.record.details = answer.details;
  request.record.bytes_sent = answer.body.size();
  (void)co_await request.exchange.respond(head, answer.body);
}

}  // namespace nacelle::gateway
