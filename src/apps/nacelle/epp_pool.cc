#include "apps/nacelle/epp_pool.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "apps/nacelle/flow_loads.h"
#include "apps/nacelle/learned_latency.h"
#include "apps/nacelle/version.h"
#include "async/task_scope.h"
#include "async/work_pool.h"
#include "base/file.h"
#include "router/config/config_node.h"
#include "router/config/router_setup.h"
#include "router/objective/objective_documents.h"
#include "router/record/record_writer.h"
#include "router/signals/endpoint_pool.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

constexpr Duration kWatchPeriod = 1s;
constexpr Duration kFollowPeriod = 100ms;
constexpr std::size_t kTokenizerThreads = 2;
constexpr std::size_t kMaxTokenizerJobs = 1024;

Result<router::RouterSetup> load_setup(const EppOptions& options) {
  const router::SetupOptions how{.allow_experimental_plugins = options.allow_experimental_plugins};
  if (!options.config_text.empty()) {
    return router::load_router_setup(
        options.config_text, options.config_file.empty() ? "--config-text" : options.config_file,
        how);
  }
  if (options.config_file.empty()) return router::load_router_setup("", "defaults", how);
  ASSIGN_OR_RETURN(const std::string text, read_file(options.config_file, router::kMaxConfigBytes));
  return router::load_router_setup(text, options.config_file, how);
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

}  // namespace

struct EppPool::Impl {
  Impl(async::Runtime& runtime, const EppOptions& options, epp::PoolName pool_name,
       router::RouterSetup setup, router::EndpointPool::Config scrape,
       std::unique_ptr<telemetry::Metrics> own_metrics)
      : loop(runtime.loop(0)),
        name(std::move(pool_name)),
        metrics_owner(std::move(own_metrics)),
        metrics(*metrics_owner),
        gauge_interval(options.gauge_interval),
        router(std::move(setup.schedule), options.metrics_stale_after),
        pool(runtime.loop(0), std::move(scrape), router),
        flow_metrics(metrics, name.key.name),
        picker_metrics(metrics),
        pool_metrics(metrics, router,
                     {.pool = name.key.name,
                      .version = std::string(kVersion),
                      .scrape_errors = [this] { return pool.scrape_errors(); }}),
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
               .pool_metrics = pool_metrics,
               .clock = clock,
               .precise = nullptr,
               .options = {.emit_endpoint_scores = options.emit_endpoint_scores,
                           .use_subset_filter = options.use_subset_filter,
                           .use_agent_session = setup.use_agent_session,
                           .echo_served_endpoint = setup.echo_served_endpoint}},
        scope(runtime.loop(0)) {
    if (options.emit_endpoint_scores) router.tell_scores();
  }

  void attach(std::shared_ptr<router::PrecisePrefix> index);
  Status reload_endpoints();
  async::Task<void> watch_endpoints();
  async::Task<void> keep_gauges();
  async::Task<void> follow_pool();

  async::Loop& loop;
  const epp::PoolName name;
  std::string endpoints_file;
  const SteadyClock clock;
  const std::unique_ptr<telemetry::Metrics> metrics_owner;
  telemetry::Metrics& metrics;
  const Duration gauge_interval;
  std::unique_ptr<router::RecordWriter> recorder;
  router::Router router;
  router::EndpointPool pool;
  std::shared_ptr<router::PrecisePrefix> precise;  // null: not configured
  std::shared_ptr<LearnedLatency> latency;         // null: nobody wants predictions
  router::objective::ObjectiveStore objectives;
  router::flow::FlowMetrics flow_metrics;
  epp::PickerMetrics picker_metrics;
  epp::PoolMetrics pool_metrics;
  router::flow::FlowController flow;
  epp::Picker picker;
  async::StopScope scope;
};

void EppPool::Impl::attach(std::shared_ptr<router::PrecisePrefix> index) {
  precise = std::move(index);
  picker.precise = precise;
  if (precise) router.attach(precise->source());
  latency = LearnedLatency::attach_to(router, metrics);
  metrics.add_collector([this](telemetry::Snapshot& out) {
    if (precise) precise->collect(out, {});
    if (latency) latency->collect(out, {});
  });
}

Status EppPool::Impl::reload_endpoints() {
  ASSIGN_OR_RETURN(const router::EndpointsFile file, load_endpoints(endpoints_file));
  pool.set_endpoints(file.endpoints);
  log::info("endpoints", {{"file", endpoints_file}, {"count", file.endpoints.size()}});
  return {};
}

async::Task<void> EppPool::Impl::watch_endpoints() {
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

async::Task<void> EppPool::Impl::keep_gauges() {
  for (;;) {
    pool_metrics.look_at(*router.pool());
    const bool go_on = co_await scope.sleep(gauge_interval);
    if (!go_on) co_return;
  }
}

async::Task<void> EppPool::Impl::follow_pool() {
  for (;;) {
    precise->follow(*router.pool());
    const bool go_on = co_await scope.sleep(kFollowPeriod);
    if (!go_on) co_return;
  }
}

EppPool::EppPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EppPool::~EppPool() { impl_->router.record_to(nullptr); }

Result<std::shared_ptr<EppPool>> EppPool::create(async::Runtime& runtime, const EppOptions& options,
                                                 epp::PoolName name, std::string endpoints_file,
                                                 tracing::SpanExporter* spans) {
  ASSIGN_OR_RETURN(router::RouterSetup setup, load_setup(options));
  for (const std::string& warning : setup.warnings) {
    log::warn("picker configuration", {{"what", warning}});
  }
  std::unique_ptr<router::RecordWriter> recorder;
  if (!options.record.empty()) {
    ASSIGN_OR_RETURN(recorder, router::RecordWriter::create({.path = options.record}, setup.text,
                                                            setup.schedule.headers));
  }
  std::vector<router::FileEndpoint> first;
  if (!endpoints_file.empty()) {
    ASSIGN_OR_RETURN(router::EndpointsFile file, load_endpoints(endpoints_file));
    first = std::move(file.endpoints);
  }
  std::shared_ptr<async::WorkPool> work_pool;
  if (router::wants_precise(setup)) {
    work_pool = std::make_shared<async::WorkPool>(kTokenizerThreads, kMaxTokenizerJobs);
  }
  ASSIGN_OR_RETURN(router::EndpointPool::Config scrape,
                   engine_scrape(options.scrape, setup.data_layer, options.scrape_interval));
  auto metrics = std::make_unique<telemetry::Metrics>();
  ASSIGN_OR_RETURN(auto precise, router::PrecisePrefix::start(
                                     setup, {.metrics = metrics.get(), .work_pool = work_pool}));
  auto impl = std::make_unique<Impl>(runtime, options, std::move(name), std::move(setup),
                                     std::move(scrape), std::move(metrics));
  impl->attach(std::move(precise));
  impl->picker.spans = spans;
  impl->endpoints_file = std::move(endpoints_file);
  impl->recorder = std::move(recorder);
  impl->router.record_to(impl->recorder.get());
  async::Loop& home = impl->loop;
  std::shared_ptr<EppPool> pool(new EppPool(std::move(impl)), [&home](EppPool* last) {
    std::unique_ptr<EppPool> own(last);
    if (!home.is_current()) home.post([moved = std::move(own)] {});
  });
  pool->set_endpoints(first);
  return pool;
}

void EppPool::start() {
  impl_->pool.start();
  impl_->loop.post([own = impl_.get()] {
    if (!own->endpoints_file.empty()) own->scope.spawn(own->watch_endpoints());
    own->scope.spawn(own->keep_gauges());
    if (own->precise) own->scope.spawn(own->follow_pool());
    own->scope.spawn(own->flow.keep_time(own->scope));
  });
}

async::Task<void> EppPool::stop() {
  impl_->flow.shut_down();
  impl_->scope.stop();
  co_await impl_->scope.join();
  co_await impl_->pool.stop();
}

void EppPool::set_endpoints(const std::vector<router::FileEndpoint>& endpoints) {
  impl_->pool.set_endpoints(endpoints);
}

void EppPool::set_objects(const router::objective::ObjectiveSet& objects) {
  const kube::ObjectKey& key = impl_->name.key;
  router::objective::ObjectiveTable table(objects,
                                          {.name_space = key.name_space, .name = key.name});
  impl_->flow.ensure_bands(table.priorities());
  impl_->objectives.publish(std::move(table));
}

const epp::PoolName& EppPool::name() const { return impl_->name; }
epp::Picker& EppPool::picker() { return impl_->picker; }
const telemetry::Metrics& EppPool::metrics() const { return impl_->metrics; }

Result<router::objective::ObjectiveSet> load_objects(const EppOptions& options) {
  router::objective::ObjectiveSet all;
  for (const std::string& path : options.object_files) {
    ASSIGN_OR_RETURN(const std::string text, read_file(path, router::kMaxConfigBytes));
    auto set = router::objective::parse_objective_documents(text);
    if (!set.ok()) return set.error().with_context(path);
    std::move(set->objectives.begin(), set->objectives.end(), std::back_inserter(all.objectives));
    std::move(set->rewrites.begin(), set->rewrites.end(), std::back_inserter(all.rewrites));
  }
  return all;
}

Result<std::string> configured_endpoints_file(const EppOptions& options) {
  ASSIGN_OR_RETURN(const router::RouterSetup setup, load_setup(options));
  return setup.data_layer.endpoints_file;
}

}  // namespace nacelle::apps
