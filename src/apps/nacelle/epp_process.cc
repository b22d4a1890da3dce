#include "apps/nacelle/epp_process.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "apps/nacelle/flow_loads.h"
#include "apps/nacelle/learned_latency.h"
#include "async/task_scope.h"
#include "async/work_pool.h"
#include "base/file.h"
#include "epp/picker_stream.h"
#include "net/grpc/health.h"
#include "net/http/server.h"
#include "net/tls/make_certificate.h"
#include "net/tls/reloader.h"
#include "router/config/config_node.h"
#include "router/config/router_setup.h"
#include "router/objective/objective_documents.h"
#include "router/record/record_writer.h"
#include "router/signals/endpoint_pool.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

using net::http::HttpServer;
using net::http::HttpServerConfig;

constexpr std::string_view kProcessPath = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
constexpr std::string_view kServiceName = "envoy.service.ext_proc.v3.ExternalProcessor";
constexpr Duration kWatchPeriod = 1s;
constexpr Duration kGaugePeriod = 1s;
// One stream per request in flight: a proxy has thousands.
constexpr std::uint32_t kMaxStreams = 100'000;
constexpr int kCertificateDays = 3650;
constexpr Duration kFollowPeriod = 100ms;
constexpr std::size_t kTokenizerThreads = 2;
constexpr std::size_t kMaxTokenizerJobs = 1024;

Result<router::RouterSetup> load_setup(const EppOptions& options) {
  const router::SetupOptions how{.allow_experimental_plugins = options.allow_experimental_plugins};
  if (!options.config_text.empty()) {
    return router::load_router_setup(options.config_text, "--config-text", how);
  }
  if (options.config_file.empty()) return router::load_router_setup("", "defaults", how);
  ASSIGN_OR_RETURN(const std::string text, read_file(options.config_file, router::kMaxConfigBytes));
  return router::load_router_setup(text, options.config_file, how);
}

Result<router::objective::ObjectiveTable> load_objectives(const EppOptions& options) {
  router::objective::ObjectiveSet all;
  for (const std::string& path : options.object_files) {
    ASSIGN_OR_RETURN(const std::string text, read_file(path, router::kMaxConfigBytes));
    auto set = router::objective::parse_objective_documents(text);
    if (!set.ok()) return set.error().with_context(path);
    std::move(set->objectives.begin(), set->objectives.end(), std::back_inserter(all.objectives));
    std::move(set->rewrites.begin(), set->rewrites.end(), std::back_inserter(all.rewrites));
  }
  return router::objective::ObjectiveTable(
      all, {.name_space = options.pool_namespace, .name = options.pool_name});
}

Result<router::EndpointsFile> load_endpoints(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, std::size_t{1} << 20));
  auto file = router::parse_endpoints_file(text);
  if (!file.ok()) return file.error().with_context(path);
  for (const std::string& skipped : file->skipped) {
    log::warn("an endpoint of the file is left out", {{"file", path}, {"why", skipped}});
  }
  return file;
}

// nullopt while the file is not there.
std::optional<FileIdentity> identity_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return identity_of(info);
}

async::Task<Status> serve_stream(epp::Picker* picker, net::grpc::ServerCall& call) {
  thread_local router::RequestBodyReader reader;  // one per loop
  picker->metrics.streams_inflight.add(1);
  Status ended;
  {
    epp::PickerStream stream(*picker, reader, call);
    ended = co_await stream.run();
  }
  picker->metrics.streams_inflight.add(-1);
  telemetry::LabelValues code;
  code.emplace_back(ended.ok() ? std::string_view("OK") : to_string(ended.code()));
  picker->metrics.streams_total.with(code).increment();
  co_return ended;
}

async::Task<void> serve_metrics(telemetry::Metrics* metrics, net::http::ServerExchange& exchange) {
  net::http::ResponseHead head;
  if (exchange.request().path() != "/metrics") {
    head.status = 404;
    (void)co_await exchange.respond(head, "not found\n");
    co_return;
  }
  const std::string text = metrics->serialize();
  head.headers.add("content-type", telemetry::Metrics::kTextContentType);
  (void)co_await exchange.respond(head, text);
}

}  // namespace

struct EppProcess::Impl {
  Impl(async::Runtime& runtime, const EppOptions& options, router::RouterSetup setup,
       std::unique_ptr<telemetry::Metrics> process_metrics)
      : runtime(runtime),
        options(options),
        metrics_owner(std::move(process_metrics)),
        metrics(*metrics_owner),
        router(std::move(setup.schedule), options.metrics_stale_after),
        pool(runtime.loop(0),
             {{}, options.scrape_interval, 2s, std::move(setup.data_layer.engines)}, router),
        flow_metrics(metrics, options.pool_name),
        picker_metrics(metrics, options.pool_name),
        flow(
            std::move(setup.flow_control),
            [this](TimePoint, std::vector<router::flow::EndpointLoad>& out) {
              append_flow_loads(router, out);
            },
            clock, &flow_metrics),
        picker{.router = router,
               .flow = flow,
               .objectives = objectives,
               .metrics = picker_metrics,
               .clock = clock,
               .precise = nullptr,
               .options = {.emit_endpoint_scores = options.emit_endpoint_scores,
                           .use_subset_filter = options.use_subset_filter,
                           .use_agent_session = setup.use_agent_session}},
        scope(runtime.loop(0)) {}

  [[nodiscard]] net::grpc::Health health(std::string_view service) const {
    if (draining) return net::grpc::Health::kNotServing;
    if (service == "liveness") return net::grpc::Health::kServing;
    return net::grpc::Health::kServing;
  }
  void add_health(net::grpc::Server& server) {
    net::grpc::add_health(server,
                          {.lookup = [this](std::string_view service) { return health(service); },
                           .list =
                               [this] {
                                 return std::vector<std::pair<std::string, net::grpc::Health>>{
                                     {std::string(kServiceName), health(kServiceName)}};
                               }});
  }

  Status prepare_tls();
  Result<std::unique_ptr<HttpServer>> bind(std::uint16_t port, net::http::Handler handler,
                                           std::shared_ptr<net::TlsServerSource> tls) const;
  Status bind_all();
  Status reload_endpoints();
  async::Task<void> watch_endpoints();
  async::Task<void> keep_gauges();
  async::Task<void> follow_pool();

  async::Runtime& runtime;
  const EppOptions options;
  std::string endpoints_file;
  bool watch_file = true;
  const SteadyClock clock;
  const std::unique_ptr<telemetry::Metrics> metrics_owner;
  telemetry::Metrics& metrics;
  std::unique_ptr<router::RecordWriter> recorder;
  router::Router router;
  router::EndpointPool pool;
  std::shared_ptr<router::PrecisePrefix> precise;  // null: not configured
  std::shared_ptr<LearnedLatency> latency;         // null: nobody wants predictions
  router::objective::ObjectiveStore objectives;
  router::flow::FlowMetrics flow_metrics;
  epp::PickerMetrics picker_metrics;
  router::flow::FlowController flow;
  epp::Picker picker;
  std::unique_ptr<net::TlsReloader> reloader;
  std::shared_ptr<net::TlsServerSource> tls;
  std::unique_ptr<HttpServer> grpc, health_server, metrics_server;
  std::atomic<bool> draining{false};
  async::StopScope scope;
};

Status EppProcess::Impl::prepare_tls() {
  if (!options.secure_serving) return {};
  net::TlsServerConfig config;
  config.alpn = {"h2"};
  if (options.cert_path.empty()) {
    ASSIGN_OR_RETURN(const net::CertifiedKey made,
                     net::self_signed({"localhost", "127.0.0.1"}, kCertificateDays));
    config.certificates.push_back({.names = {},
                                   .chain = {.file = {}, .text = made.chain_pem},
                                   .key = {.file = {}, .text = made.key_pem}});
    ASSIGN_OR_RETURN(tls, net::TlsServerSource::create(config));
    return {};
  }
  config.certificates.push_back({.names = {},
                                 .chain = {.file = options.cert_path + "/tls.crt", .text = {}},
                                 .key = {.file = options.cert_path + "/tls.key", .text = {}}});
  ASSIGN_OR_RETURN(reloader, net::TlsReloader::create(config));
  if (options.reload_certificate) reloader->start();
  tls = reloader->source();
  return {};
}

Result<std::unique_ptr<HttpServer>> EppProcess::Impl::bind(
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

Status EppProcess::Impl::bind_all() {
  RETURN_IF_ERROR(prepare_tls());
  net::grpc::Server methods;
  methods.add(std::string(kProcessPath), [shared = &picker](net::grpc::ServerCall& call) {
    return serve_stream(shared, call);
  });
  if (options.health_on_grpc_port) add_health(methods);
  net::grpc::Server health_methods;
  add_health(health_methods);
  ASSIGN_OR_RETURN(grpc, bind(options.grpc_port, methods.handler(), tls));
  ASSIGN_OR_RETURN(health_server, bind(options.health_port, health_methods.handler(), nullptr));
  ASSIGN_OR_RETURN(metrics_server, bind(
                                       options.metrics_port,
                                       [own = &metrics](net::http::ServerExchange& exchange) {
                                         return serve_metrics(own, exchange);
                                       },
                                       nullptr));
  return {};
}

Status EppProcess::Impl::reload_endpoints() {
  if (endpoints_file.empty()) return {};
  ASSIGN_OR_RETURN(const router::EndpointsFile file, load_endpoints(endpoints_file));
  pool.set_endpoints(file.endpoints);
  log::info("endpoints", {{"file", endpoints_file}, {"count", file.endpoints.size()}});
  return {};
}

async::Task<void> EppProcess::Impl::watch_endpoints() {
  auto seen = identity_at(endpoints_file);
  for (;;) {
    const bool go_on = co_await scope.sleep(kWatchPeriod);
    if (!go_on) co_return;
    auto now = identity_at(endpoints_file);
    if (now == seen) continue;
    seen = now;
    // A file that is being replaced may be gone for a moment: the endpoints known stay.
    if (const Status loaded = reload_endpoints(); !loaded.ok()) {
      log::error("the endpoints file is not used", {{"why", loaded}});
    }
  }
}

async::Task<void> EppProcess::Impl::keep_gauges() {
  for (;;) {
    picker_metrics.pool(*router.pool());
    const bool go_on = co_await scope.sleep(kGaugePeriod);
    if (!go_on) co_return;
  }
}

async::Task<void> EppProcess::Impl::follow_pool() {
  for (;;) {
    precise->follow(*router.pool());
    const bool go_on = co_await scope.sleep(kFollowPeriod);
    if (!go_on) co_return;
  }
}

EppProcess::EppProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EppProcess::~EppProcess() { impl_->router.record_to(nullptr); }

Result<std::unique_ptr<EppProcess>> EppProcess::start(async::Runtime& runtime,
                                                      const EppOptions& options) {
  ASSIGN_OR_RETURN(router::RouterSetup setup, load_setup(options));
  for (const std::string& warning : setup.warnings) {
    log::warn("picker configuration", {{"what", warning}});
  }
  ASSIGN_OR_RETURN(auto objectives, load_objectives(options));
  std::unique_ptr<router::RecordWriter> recorder;
  if (!options.record.empty()) {
    ASSIGN_OR_RETURN(recorder, router::RecordWriter::create({.path = options.record}, setup.text,
                                                            setup.schedule.headers));
  }
  const std::string file =
      options.endpoints_file.empty() ? setup.data_layer.endpoints_file : options.endpoints_file;
  if (file.empty()) {
    return invalid_argument(
        "no endpoints: give --endpoints-file, or configure file-discovery under "
        "dataLayer.discovery (discovery by the Kubernetes API is not there yet)");
  }
  std::shared_ptr<async::WorkPool> work_pool;
  if (router::wants_precise(setup))
    work_pool = std::make_shared<async::WorkPool>(kTokenizerThreads, kMaxTokenizerJobs);
  auto metrics = std::make_unique<telemetry::Metrics>();
  ASSIGN_OR_RETURN(auto precise, router::PrecisePrefix::start(
                                     setup, {.metrics = metrics.get(), .work_pool = work_pool}));
  auto impl = std::make_unique<Impl>(runtime, options, std::move(setup), std::move(metrics));
  impl->precise = std::move(precise);
  impl->picker.precise = impl->precise;
  if (impl->precise) impl->router.attach(impl->precise->source());
  impl->latency = LearnedLatency::attach_to(impl->router, impl->metrics);
  impl->metrics.add_collector([own = impl.get()](telemetry::Snapshot& out) {
    if (own->precise) own->precise->collect(out, {});
    if (own->latency) own->latency->collect(out, {});
  });
  impl->endpoints_file = file;
  impl->flow.ensure_bands(objectives.priorities());
  impl->objectives.publish(std::move(objectives));
  impl->recorder = std::move(recorder);
  impl->router.record_to(impl->recorder.get());
  RETURN_IF_ERROR(impl->bind_all());
  impl->pool.start();
  RETURN_IF_ERROR(impl->reload_endpoints());
  Impl& self = *impl;
  const auto begin = [](Impl* own) -> async::Task<void> {
    own->scope.spawn(own->watch_endpoints());
    own->scope.spawn(own->keep_gauges());
    if (own->precise) own->scope.spawn(own->follow_pool());
    own->scope.spawn(own->flow.keep_time(own->scope));
    co_return;
  };
  async::run_blocking(runtime.loop(0), begin(&self));
  for (HttpServer* server :
       {self.grpc.get(), self.health_server.get(), self.metrics_server.get()}) {
    RETURN_IF_ERROR(server->listen());
  }
  return std::unique_ptr<EppProcess>(new EppProcess(std::move(impl)));
}

std::uint16_t EppProcess::grpc_port() const { return impl_->grpc->port(); }
std::uint16_t EppProcess::health_port() const { return impl_->health_server->port(); }
std::uint16_t EppProcess::metrics_port() const { return impl_->metrics_server->port(); }

async::Task<void> EppProcess::drain(TimePoint deadline) {
  impl_->draining = true;
  const Status drained = co_await impl_->grpc->drain(deadline);
  if (!drained.ok()) log::warn("not every stream ended in time", {{"why", drained}});
  impl_->flow.shut_down();
  impl_->scope.stop();
  co_await impl_->scope.join();
  co_await impl_->pool.stop();
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)co_await impl_->health_server->drain(soon);
  (void)co_await impl_->metrics_server->drain(soon);
}

}  // namespace nacelle::apps
