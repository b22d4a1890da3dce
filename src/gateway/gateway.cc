#include "gateway/gateway.h"

#include <algorithm>
#include <ctime>

#include "async/timer.h"
#include "base/json_string.h"
#include "gateway/upstream/cluster_picker.h"
#include "gateway/upstream/health_checker.h"
#include "openai/error.h"
#include "telemetry/log.h"

namespace nacelle::gateway {
namespace {

using net::http::ResponseHead;
using net::http::ServerExchange;

std::string time_now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The factory of the short form: its picker is the caller's.
PickerFactory lend(EndpointPicker& picker) {
  return [&picker](const ClusterConfig&) -> Result<std::shared_ptr<EndpointPicker>> {
    return std::shared_ptr<EndpointPicker>(&picker, [](EndpointPicker*) {});
  };
}

async::Task<void> send_answer(ServerExchange& exchange, int status, std::string_view type,
                              std::string body) {
  ResponseHead head;
  head.status = status;
  head.headers.add("content-type", type);
  (void)co_await exchange.respond(head, body);
}

}  // namespace

Gateway::Gateway(async::Runtime& runtime, PickerFactory pickers, GatewayOptions options)
    : runtime_(runtime),
      pickers_(std::move(pickers)),
      options_(std::move(options)),
      shared_(std::make_shared<GatewayShared>(metrics_)),
      scope_(runtime.loop(0)),
      ports_(
          runtime,
          [this](ServerExchange& exchange, std::uint32_t id, std::uint16_t number) {
            return forwarders_[exchange.loop().index()]->forward(exchange, id, number);
          },
          options_.unbound_ports) {
  for (std::size_t i = 0; i < runtime_.size(); ++i)
    forwarders_.push_back(std::make_unique<Forwarder>(runtime_.loop(i), shared_));
  add_collector();
}

Gateway::Gateway(async::Runtime& runtime, const GatewayConfig& config, EndpointPicker& picker)
    : Gateway(runtime, lend(picker)) {
  simple_ = model_of(config);
}

Gateway::~Gateway() = default;

Status Gateway::bind() {
  CHECK(simple_.has_value());
  return apply(std::move(*simple_));
}

Result<std::shared_ptr<EndpointPicker>> Gateway::make_picker(const ClusterConfig& config) {
  if (config.kind == ClusterConfig::Kind::kPool) return pickers_(config);
  return std::shared_ptr<EndpointPicker>(std::make_shared<ClusterPicker>(config));
}

Status Gateway::apply(GatewayModel model) {
  if (shared_->draining.load()) return failed_precondition("the gateway drains");
  const std::lock_guard lock(mutex_);
  const auto refused = [this](const Status& why) {
    shared_->metrics.reloads_refused.increment();
    state_.failed_at = time_now();
    state_.error = why.message();
    return why;
  };
  auto made = make_snapshot(
      std::move(model), [this](const ClusterConfig& config) { return make_picker(config); },
      shared_->metrics, snapshot_.get());
  if (!made) return refused(made.error());
  std::shared_ptr<Snapshot> snapshot = std::move(*made);
  const Settings& settings = snapshot->model.settings;
  const AccessLogConfig& log_config = settings.access_log;
  if (!log_config.path.empty()) {
    const bool same = snapshot_ && snapshot_->access_log &&
                      snapshot_->access_log->config().path == log_config.path &&
                      snapshot_->access_log->config().queue_lines == log_config.queue_lines;
    if (same) {
      snapshot->access_log = snapshot_->access_log;
    } else {
      auto opened = AccessLog::open(log_config);
      if (!opened) return refused(opened.error());
      snapshot->access_log = std::move(*opened);
    }
  }
  if (const Status bound = ports_.prepare(*snapshot); !bound.ok()) return refused(bound);
  if (!admin_) {
    Status started = start_admin(settings);
    if (started.ok()) started = start_tracing(settings.tracing);
    if (!started.ok()) {
      ports_.roll_back();
      return refused(started);
    }
  }
  start_health_checks(snapshot_.get(), *snapshot);
  shared_->held_bytes.set_limit(settings.limits.held_body_bytes);
  snapshot_ = snapshot;
  for (std::size_t i = 0; i < forwarders_.size(); ++i) {
    runtime_.loop(i).post([forwarder = forwarders_[i].get(), shared = SnapshotPtr(snapshot)] {
      forwarder->set_snapshot(shared);
    });
  }
  auto retired = ports_.commit(listening_);
  state_.loaded_at = time_now();
  state_.error.clear();
  shared_->metrics.generation.set(static_cast<double>(snapshot->generation));
  if (snapshot->generation > 1) shared_->metrics.reloads_ok.increment();
  if (!retired) return retired.error();
  for (auto& server : *retired) {
    // Moved through a shared_ptr: what is posted must be copyable.
    auto holder = std::make_shared<std::unique_ptr<net::http::HttpServer>>(std::move(server));
    runtime_.loop(0).post([this, holder] { scope_.spawn(retire(std::move(*holder))); });
  }
  return {};
}

void Gateway::refuse(const Status& why) {
  const std::lock_guard lock(mutex_);
  shared_->metrics.reloads_refused.increment();
  state_.failed_at = time_now();
  state_.error = why.message();
}

async::Task<void> Gateway::retire(std::unique_ptr<net::http::HttpServer> server) {
  const std::uint16_t port = server->port();
  const TimePoint deadline = std::chrono::steady_clock::now() + options_.retire_timeout;
  const Status drained = co_await server->drain(deadline);
  log::info("listener closed", {{"port", port}, {"drained", drained.ok()}});
}

Status Gateway::start_admin(const Settings& settings) {
  net::http::HttpServerConfig admin;
  admin.address = settings.admin;
  ASSIGN_OR_RETURN(admin_, net::http::HttpServer::bind(runtime_, admin, [this](ServerExchange& e) {
                     return serve_admin(e);
                   }));
  return {};
}

Status Gateway::start_tracing(const tracing::TracingConfig& config) {
  if (config.endpoint.empty()) return {};
  ASSIGN_OR_RETURN(spans_,
                   tracing::SpanExporter::create(runtime_.loop(0), config, "nacelle/gateway"));
  spans_->start();
  shared_->spans = spans_.get();
  return {};
}

// Of clusters that are new in this snapshot; the checks of those that are gone end by themselves.
void Gateway::start_health_checks(const Snapshot* before, const Snapshot& snapshot) {
  for (const auto& cluster : snapshot.clusters) {
    if (!cluster->config.traffic.health_check) continue;
    const bool known =
        before != nullptr && std::find(before->clusters.begin(), before->clusters.end(), cluster) !=
                                 before->clusters.end();
    auto picker = std::dynamic_pointer_cast<ClusterPicker>(cluster->picker);
    if (known || !picker) continue;
    net::http::ClientOptions options;
    options.tls = cluster->tls;
    if (cluster->config.http2) options.protocol = net::http::Protocol::kHttp2;
    runtime_.loop(0).post([this, picker, config = *cluster->config.traffic.health_check, options] {
      if (!health_client_)
        health_client_ = std::make_unique<net::http::HttpClient>(runtime_.loop(0));
      gateway::start_health_checks(scope_, *health_client_, config, options, picker);
    });
  }
}

Status Gateway::listen() {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(admin_->listen());
  listening_ = true;
  return ports_.listen();
}

std::vector<UnservedPort> Gateway::unserved_ports() const {
  const std::lock_guard lock(mutex_);
  return ports_.unserved();
}

void Gateway::try_unserved_ports() {
  if (shared_->draining.load()) return;
  const std::lock_guard lock(mutex_);
  ports_.try_unserved(listening_);
}

std::uint16_t Gateway::port() const {
  const std::lock_guard lock(mutex_);
  return ports_.first_port();
}

SnapshotPtr Gateway::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void Gateway::reopen_logs() {
  if (const SnapshotPtr current = snapshot(); current && current->access_log)
    current->access_log->reopen();
}

void Gateway::begin_drain() { shared_->draining.store(true); }

async::Task<Status> Gateway::drain(TimePoint deadline) {
  begin_drain();
  std::vector<std::unique_ptr<net::http::HttpServer>> servers;
  {
    const std::lock_guard lock(mutex_);
    servers = ports_.take_all();
  }
  Status drained;
  for (const auto& server : servers) {
    const Status one = co_await server->drain(deadline);
    if (!one.ok()) drained = one;
  }
  scope_.stop();
  co_await scope_.join();
  health_client_.reset();
  if (spans_) co_await spans_->stop();
  const Status admin = co_await admin_->drain(std::max(deadline, std::chrono::steady_clock::now()));
  // Pickers end with the last snapshot that uses them.
  auto left = std::make_shared<std::atomic<std::size_t>>(forwarders_.size());
  for (std::size_t i = 0; i < forwarders_.size(); ++i) {
    runtime_.loop(i).post([forwarder = forwarders_[i].get(), left] {
      forwarder->set_snapshot(nullptr);
      left->fetch_sub(1);
    });
  }
  while (left->load() > 0) co_await async::sleep_for(1ms);
  SnapshotPtr last;
  {
    const std::lock_guard lock(mutex_);
    last.swap(snapshot_);
  }
  last.reset();  // the access log is written to its end before this returns
  co_return drained.ok() ? admin : drained;
}

void Gateway::add_collector() {
  metrics_.add_collector([this](telemetry::Snapshot& out) {
    out.gauge("nacelle_gateway_held_body_bytes", "Bytes of bodies that are held.", {},
              static_cast<double>(shared_->held_bytes.used()));
    const SnapshotPtr current = snapshot();
    if (!current) return;
    {
      const std::lock_guard lock(mutex_);
      out.gauge("nacelle_gateway_connections", "Connections of clients.", {},
                static_cast<double>(ports_.open_connections()));
      out.gauge("nacelle_gateway_unserved_ports", "Ports that could not be bound.", {},
                static_cast<double>(ports_.unserved().size()));
      for (const auto& [port, end] : ports_.certificate_ends()) {
        out.gauge("nacelle_gateway_certificate_expiry_timestamp_seconds",
                  "When the first certificate of a port ends.", {{"port", port}},
                  std::chrono::duration<double>(end.time_since_epoch()).count());
      }
    }
    if (current->access_log) {
      out.counter("nacelle_gateway_access_log_dropped_total", "Lines that the log did not take.",
                  {}, static_cast<double>(current->access_log->dropped()));
    }
    if (spans_) spans_->collect(out, "nacelle_gateway");
    for (const auto& cluster : current->clusters) {
      const telemetry::Labels labels = {{"cluster", cluster->config.name}};
      out.gauge("nacelle_gateway_upstream_active_requests", "Requests in hand, by cluster.", labels,
                cluster->breaker.requests());
      const auto picker = std::dynamic_pointer_cast<ClusterPicker>(cluster->picker);
      if (!picker) continue;
      out.counter("nacelle_gateway_upstream_ejections_total", "Endpoints taken out after errors.",
                  labels, static_cast<double>(picker->ejections()));
    }
  });
}

async::Task<void> Gateway::serve_admin(ServerExchange& exchange) {
  const std::string_view path = exchange.request().path();
  const SnapshotPtr current = snapshot();
  const bool serving = current && current->any_serving();
  if (path == "/metrics") {
    co_await send_answer(exchange, 200, telemetry::Metrics::kTextContentType, metrics_.serialize());
  } else if (path == "/endpoints") {
    co_await send_answer(exchange, 200, "application/json", describe_endpoints());
  } else if (path == "/config") {
    co_await send_answer(exchange, 200, "application/json", describe_config());
  } else if (path == "/health") {
    co_await send_answer(exchange, serving ? 200 : 503, "text/plain",
                         serving ? "OK\n" : "no endpoint serves\n");
  } else if (path == "/ready") {
    const bool ready = serving && !shared_->draining.load();
    co_await send_answer(exchange, ready ? 200 : 503, "text/plain", ready ? "OK\n" : "not ready\n");
  } else {
    if (options_.admin) {
      const std::string_view target = exchange.request().target;
      const std::string asked(path);
      const std::string query(target.substr(std::min(path.size() + 1, target.size())));
      if (auto answer = co_await options_.admin(asked, query)) {
        co_await send_answer(exchange, answer->status, "application/json", std::move(answer->body));
        co_return;
      }
    }
    std::string body = openai::to_json(openai::http_error(
        404, "Not Found; the admin port has /health, /ready, /metrics, /endpoints and /config"));
    co_await send_answer(exchange, 404, "application/json", std::move(body));
  }
}

std::string Gateway::describe_endpoints() const {
  const SnapshotPtr current = snapshot();
  if (!current) return "[]\n";
  if (current->clusters.size() == 1) return current->clusters[0]->picker->describe();
  std::string out = "{";
  for (const auto& cluster : current->clusters) {
    if (out.size() > 1) out += ',';
    append_json_string(out, cluster->config.name);
    std::string list = cluster->picker->describe();
    while (list.ends_with("\n")) list.pop_back();
    out.append(":").append(list);
  }
  return out + "}\n";
}

std::string Gateway::describe_config() const {
  const std::lock_guard lock(mutex_);
  std::string out =
      fmt::format("{{\"generation\":{},\"loaded_at\":\"{}\",\"ok\":{},\"error\":",
                  snapshot_ ? snapshot_->generation : 0, state_.loaded_at, state_.error.empty());
  append_json_string(out, state_.error);
  out += fmt::format(",\"failed_at\":\"{}\",\"ports\":[", state_.failed_at);
  std::string rules;
  if (snapshot_) {
    for (std::size_t i = 0; i < snapshot_->model.ports.size(); ++i) {
      out +=
          fmt::format("{}\"{}\"", i > 0 ? "," : "", snapshot_->model.ports[i].address.to_string());
    }
    for (const RuleConfig& rule : snapshot_->model.rules) {
      if (!rules.empty()) rules += ',';
      append_json_string(rules, rule.cluster_name);
    }
  }
  out += "],\"unserved_ports\":[";
  std::string unserved;
  for (const UnservedPort& port : ports_.unserved()) {
    unserved += unserved.empty() ? "{\"port\":" : ",{\"port\":";
    append_json_string(unserved, port.address);
    unserved += ",\"error\":";
    append_json_string(unserved, port.why);
    unserved += '}';
  }
  return out + unserved + "],\"rules\":[" + rules + "]}\n";
}

}  // namespace nacelle::gateway
