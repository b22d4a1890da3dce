#include "apps/nacelle/epp_server.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "apps/nacelle/epp_kube.h"
#include "apps/nacelle/epp_pools.h"
#include "apps/nacelle/epp_tls.h"
#include "base/file.h"
#include "epp/picker_stream.h"
#include "net/grpc/health.h"
#include "net/grpc/typed.h"
#include "net/http/server.h"
#include "router/config/config_node.h"
#include "telemetry/log.h"
#include "telemetry/merged_text.h"

namespace nacelle::apps {
namespace {

using net::grpc::Health;
using net::http::HttpServer;
using net::http::HttpServerConfig;

constexpr std::string_view kProcessPath = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
constexpr std::string_view kServiceName = "envoy.service.ext_proc.v3.ExternalProcessor";
// One stream per request in flight: a proxy has thousands.
constexpr std::uint32_t kMaxStreams = 100'000;

// For a stream that is for none of our pools: the client is told, not a gRPC status that the proxy
// would turn into a bare 500.
async::Task<Status> refuse_stream(const Status& why, net::grpc::ServerCall& call) {
  auto first = co_await net::grpc::read_message<epp::ProcessingRequest>(call);
  if (!first.ok()) co_return first.error();
  const bool unknown = why.code() == Code::kNotFound;
  const epp::ProcessingResponse reply = epp::immediate_reply(
      unknown ? 404 : 503, why.message(), unknown ? "" : router::kReasonNoEndpoints);
  co_return co_await net::grpc::write_message(call, reply);
}

async::Task<Status> serve_stream(EppPools* pools, net::grpc::ServerCall& call) {
  thread_local router::RequestBodyReader reader;  // one per loop
  auto chosen = pools->choose(call.metadata());
  if (!chosen.ok()) {
    log::warn("a stream for no pool", {{"why", chosen.error()}});
    co_return co_await refuse_stream(chosen.error(), call);
  }
  const std::shared_ptr<EppPool> pool = std::move(*chosen);
  epp::PickerMetrics& metrics = pool->picker().metrics;
  metrics.streams_inflight.add(1);
  const TimePoint began = std::chrono::steady_clock::now();
  Status ended;
  {
    epp::PickerStream stream(pool->picker(), reader, call);
    ended = co_await stream.run();
  }
  metrics.streams_inflight.add(-1);
  metrics.stream_duration.observe(to_seconds(std::chrono::steady_clock::now() - began));
  telemetry::LabelValues code;
  code.emplace_back(ended.ok() ? std::string_view("OK") : to_string(ended.code()));
  metrics.streams_total.with(code).increment();
  co_return ended;
}

async::Task<void> answer(net::http::ServerExchange& exchange, int status, std::string text) {
  net::http::ResponseHead head;
  head.status = status;
  if (status == 200) head.headers.add("content-type", telemetry::Metrics::kTextContentType);
  (void)co_await exchange.respond(head, text);
}

async::Task<void> refuse_scrape(net::http::ServerExchange& exchange,
                                kube::TokenAccess::Verdict verdict) {
  using Verdict = kube::TokenAccess::Verdict;
  net::http::ResponseHead head;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  std::string_view why;
  if (verdict == Verdict::kUnauthenticated) {
    head.status = 401;
    head.headers.add("www-authenticate", "Bearer");
    why =
        "/metrics needs a bearer token that the cluster knows (--metrics-endpoint-auth=false: "
        "none)\n";
  } else if (verdict == Verdict::kForbidden) {
    head.status = 403;
    why = "this user may not get the nonResourceURL /metrics: bind a ClusterRole that says so\n";
  } else {
    head.status = 503;
    why = "the token could not be reviewed: the log of the endpoint picker says why\n";
  }
  (void)co_await exchange.respond(head, why);
}

}  // namespace

struct EppServer::Impl {
  Impl(async::Runtime& runtime, EppOptions options, router::objective::ObjectiveSet objects,
       std::unique_ptr<tracing::SpanExporter> exporter)
      : runtime(runtime),
        options(std::move(options)),
        spans(std::move(exporter)),
        pools(runtime, this->options, std::move(objects), spans.get()) {
    if (spans == nullptr) return;
    metrics.add_collector([this](telemetry::Snapshot& out) { spans->collect(out, "nacelle_epp"); });
    spans->start();
  }

  // Last of all: nothing makes spans any more.
  async::Task<void> end() {
    co_await pools.stop();
    if (spans != nullptr) co_await spans->stop();
  }

  // `files`: the pools whose endpoints are listed in files. Without any, the API server is asked.
  Status begin(const std::vector<EppPoolChoice>& files);
  Status bind_all();
  Result<std::unique_ptr<HttpServer>> bind(std::uint16_t port, net::http::Handler handler,
                                           std::shared_ptr<net::TlsServerSource> source) const;

  [[nodiscard]] Health health(std::string_view service) const;
  void add_health(net::grpc::Server& server);
  [[nodiscard]] std::string metrics_text() const;
  static async::Task<void> serve_metrics(Impl* self, net::http::ServerExchange& exchange);

  async::Runtime& runtime;
  const EppOptions options;
  ServerTls grpc_tls, metrics_tls;
  telemetry::Metrics metrics;                    // of the process
  std::unique_ptr<tracing::SpanExporter> spans;  // null: no traces
  EppPools pools;
  std::unique_ptr<EppKube> kube;  // null: pools come from files
  std::unique_ptr<HttpServer> grpc, health_server, metrics_server;
  std::atomic<bool> draining{false};
};

// "liveness" stays up while pools are missing or streams drain: a restart would help neither. Names
// that nobody registered are answered like the server as a whole, since charts probe with names of
// their own; with an election only the three names below are known, as upstream.
Health EppServer::Impl::health(std::string_view service) const {
  if (service == "liveness") return Health::kServing;
  const bool known = service.empty() || service == "readiness" || service == kServiceName;
  if (options.leader_election && !known) return Health::kServiceUnknown;
  const bool ready = !draining && (kube == nullptr || (kube->synced() && kube->leads()));
  return ready ? Health::kServing : Health::kNotServing;
}

void EppServer::Impl::add_health(net::grpc::Server& server) {
  net::grpc::add_health(server,
                        {.lookup = [this](std::string_view service) { return health(service); },
                         .list =
                             [this] {
                               return std::vector<std::pair<std::string, Health>>{
                                   {std::string(kServiceName), health(kServiceName)},
                                   {"liveness", health("liveness")},
                                   {"readiness", health("readiness")}};
                             }});
}

std::string EppServer::Impl::metrics_text() const {
  const std::string own = pools.metrics_text();
  if (kube == nullptr && spans == nullptr) return own;
  telemetry::MergedText page;
  page.add(own, {});
  if (kube != nullptr) page.add(kube->metrics().serialize(), {});
  if (spans != nullptr) page.add(metrics.serialize(), {});
  return page.text();
}

Result<std::unique_ptr<HttpServer>> EppServer::Impl::bind(
    std::uint16_t port, net::http::Handler handler,
    std::shared_ptr<net::TlsServerSource> source) const {
  HttpServerConfig config;
  config.address = {options.bind_host, port};
  config.body_timeout = Duration{};  // a stream waits for its answer as long as the engine takes
  config.write_stall_timeout = 60s;
  config.keep_alive_timeout = Duration{};
  config.http2.max_concurrent_streams = kMaxStreams;
  config.tls = std::move(source);
  return HttpServer::bind(runtime, config, std::move(handler));
}

async::Task<void> EppServer::Impl::serve_metrics(Impl* self, net::http::ServerExchange& exchange) {
  if (exchange.request().path() != "/metrics")
    co_return co_await answer(exchange, 404, "not found\n");
  if (self->kube != nullptr && self->options.metrics_auth.value_or(true)) {
    const auto verdict = co_await self->kube->may_get(exchange);
    if (verdict != kube::TokenAccess::Verdict::kAllowed) {
      co_return co_await refuse_scrape(exchange, verdict);
    }
  }
  co_await answer(exchange, 200, self->metrics_text());
}

Status EppServer::Impl::bind_all() {
  ASSIGN_OR_RETURN(grpc_tls, grpc_server_tls(options));
  ASSIGN_OR_RETURN(metrics_tls, metrics_server_tls(options));
  net::grpc::Server methods({.max_message_bytes = options.max_message_bytes});
  methods.add(std::string(kProcessPath), [shared = &pools](net::grpc::ServerCall& call) {
    return serve_stream(shared, call);
  });
  if (options.health_on_grpc_port) add_health(methods);
  net::grpc::Server health_methods;
  add_health(health_methods);
  ASSIGN_OR_RETURN(grpc, bind(options.grpc_port, methods.handler(), grpc_tls.source));
  ASSIGN_OR_RETURN(health_server, bind(options.health_port, health_methods.handler(), nullptr));
  const auto page = [this](net::http::ServerExchange& exchange) {
    return serve_metrics(this, exchange);
  };
  ASSIGN_OR_RETURN(metrics_server, bind(options.metrics_port, page, metrics_tls.source));
  return {};
}

Status EppServer::Impl::begin(const std::vector<EppPoolChoice>& files) {
  RETURN_IF_ERROR(bind_all());
  for (const EppPoolChoice& pool : files) {
    RETURN_IF_ERROR(pools.add(pool.key, pool.endpoints_file));
  }
  if (files.empty()) {
    ASSIGN_OR_RETURN(kube, EppKube::start(options, pools));
  }
  for (HttpServer* server : {grpc.get(), health_server.get(), metrics_server.get()}) {
    RETURN_IF_ERROR(server->listen());
  }
  return {};
}

namespace {

// Pools with files, from --pool NAME=FILE and --endpoints-file; none means the API server.
Result<std::vector<EppPoolChoice>> pools_of_files(const EppOptions& options) {
  std::vector<EppPoolChoice> out;
  for (const EppPoolChoice& pool : options.pools) {
    if (!pool.endpoints_file.empty()) out.push_back(pool);
  }
  ASSIGN_OR_RETURN(std::string file, configured_endpoints_file(options));
  if (!options.endpoints_file.empty()) file = options.endpoints_file;
  if (!out.empty()) {
    if (out.size() != options.pools.size() || !options.endpoints_file.empty()) {
      return invalid_argument(
          "either every pool has a file (--pool NAME=FILE) or none; --endpoints-file is for one");
    }
    return out;
  }
  if (file.empty()) return out;
  if (!options.pools.empty() || !options.pools_of_service.empty() ||
      !options.endpoint_selector.empty()) {
    return invalid_argument("endpoints come from {} or from the API server, not from both", file);
  }
  out.push_back({{options.pool_namespace, options.pool_name}, file});
  return out;
}

}  // namespace

EppServer::EppServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EppServer::~EppServer() = default;

Result<std::unique_ptr<EppServer>> EppServer::start(async::Runtime& runtime, EppOptions options) {
  if (!options.config_file.empty()) {
    // Read once: pools that come later are made of the same text.
    ASSIGN_OR_RETURN(options.config_text, read_file(options.config_file, router::kMaxConfigBytes));
  }
  ASSIGN_OR_RETURN(const std::vector<EppPoolChoice> files, pools_of_files(options));
  if (options.metrics_auth.value_or(false) && !files.empty()) {
    return invalid_argument(
        "--metrics-endpoint-auth needs a Kubernetes API to ask; these endpoints come from files. "
        "--metrics-client-ca-file asks for certificates");
  }
  if (options.leader_election && !files.empty()) {
    return invalid_argument(
        "--ha-enable-leader-election needs a Kubernetes API; these endpoints come from files");
  }
  if (files.empty()) {
    ASSIGN_OR_RETURN([[maybe_unused]] const auto how, discovery_options(options));
    if (!options.kube) {
      ASSIGN_OR_RETURN(options.kube, find_api_server(options.kubeconfig, process_environment()));
    }
  }
  ASSIGN_OR_RETURN(auto objects, load_objects(options));
  std::unique_ptr<tracing::SpanExporter> spans;
  if (!options.tracing.endpoint.empty()) {
    ASSIGN_OR_RETURN(
        spans, tracing::SpanExporter::create(runtime.loop(0), options.tracing, "nacelle/epp"));
  }
  auto impl =
      std::make_unique<Impl>(runtime, std::move(options), std::move(objects), std::move(spans));
  if (const Status begun = impl->begin(files); !begun.ok()) {
    impl->kube.reset();
    async::run_blocking(runtime.loop(0), impl->end());
    return begun;
  }
  return std::unique_ptr<EppServer>(new EppServer(std::move(impl)));
}

std::uint16_t EppServer::grpc_port() const { return impl_->grpc->port(); }
std::uint16_t EppServer::health_port() const { return impl_->health_server->port(); }
std::uint16_t EppServer::metrics_port() const { return impl_->metrics_server->port(); }

async::Task<void> EppServer::drain(TimePoint deadline) {
  impl_->draining = true;
  if (impl_->kube != nullptr) impl_->kube->resign();
  const Status drained = co_await impl_->grpc->drain(deadline);
  if (!drained.ok()) log::warn("not every stream ended in time", {{"why", drained}});
  // Their handlers read what is taken down below.
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)co_await impl_->health_server->drain(soon);
  (void)co_await impl_->metrics_server->drain(soon);
  impl_->kube.reset();  // joins its thread, which waits for no one
  co_await impl_->end();
}

}  // namespace nacelle::apps
