#include "apps/nacelle/data_plane.h"

#include <algorithm>
#include <set>
#include <thread>

#include "apps/nacelle/engine_scrape.h"
#include "apps/nacelle/flow_loads.h"
#include "apps/nacelle/learned_latency.h"
#include "apps/nacelle/pool_setup.h"
#include "async/timer.h"
#include "base/clock.h"
#include "router/flow/flow_controller.h"
#include "router/objective/objective_documents.h"
#include "telemetry/log.h"

namespace nacelle::apps {

namespace {

constexpr Duration kFollowPeriod = 100ms;
constexpr std::size_t kMaxTokenizerThreads = 4;
constexpr std::size_t kMaxTokenizerJobs = 1024;

// "pool/<namespace>/<name>"
router::objective::PoolId pool_id(std::string_view cluster) {
  const std::size_t slash = cluster.rfind('/');
  const std::size_t before = slash == 0 ? std::string_view::npos : cluster.rfind('/', slash - 1);
  if (slash == std::string_view::npos || before == std::string_view::npos) return {};
  return {.name_space = std::string(cluster.substr(before + 1, slash - before - 1)),
          .name = std::string(cluster.substr(slash + 1))};
}

}  // namespace

struct DataPlane::Pool {
  Pool(async::Loop& loop, const gateway::ClusterConfig& config, router::RouterSetup setup,
       router::EndpointPool::Config scrape, telemetry::Metrics& metrics,
       std::shared_ptr<router::RecordWriter> writer)
      : name(config.name),
        recorder(std::move(writer)),
        router(std::move(setup.schedule)),
        endpoints(loop, std::move(scrape), router),
        picker(router, endpoints),
        scope(loop) {
    router.record_to(recorder.get());
    if (!setup.flow_control.enabled && config.picker.objects.empty()) return;
    default_ttl = setup.flow_control.default_request_ttl;
    flow_metrics.emplace(metrics, config.name);
    flow.emplace(
        std::move(setup.flow_control),
        [this](TimePoint, std::vector<router::flow::EndpointLoad>& out) {
          append_flow_loads(router, out);
        },
        clock, &*flow_metrics);
  }
  ~Pool() { router.record_to(nullptr); }

  void open(bool use_agent_session) {
    picker.set_office({.flow = flow ? &*flow : nullptr,
                       .objectives = objectives ? &*objectives : nullptr,
                       .precise = precise,
                       .use_agent_session = use_agent_session,
                       .default_ttl = default_ttl});
    endpoints.start();
    if (precise) precise->follow(*router.pool());
    if (precise || flow) scope.loop().post([this] { spawn_upkeep(); });
  }
  void spawn_upkeep() {
    if (flow) scope.spawn(flow->keep_time(scope));
    if (precise) scope.spawn(follow_pool());
  }
  async::Task<void> follow_pool() {
    for (;;) {
      const bool go_on = co_await scope.sleep(kFollowPeriod);
      if (!go_on) co_return;
      precise->follow(*router.pool());
    }
  }

  static async::Task<void> stop(std::unique_ptr<Pool> pool,
                                std::shared_ptr<std::atomic<int>> live) {
    if (pool->flow) pool->flow->shut_down();
    pool->scope.stop();
    co_await pool->scope.join();
    co_await pool->endpoints.stop();
    pool.reset();
    live->fetch_sub(1);
  }

  const std::string name;
  const SteadyClock clock;
  const std::shared_ptr<router::RecordWriter> recorder;  // null: decisions are not written
  router::Router router;
  router::EndpointPool endpoints;
  std::optional<router::flow::FlowMetrics> flow_metrics;
  std::optional<router::flow::FlowController> flow;
  Duration default_ttl{};
  std::optional<router::objective::ObjectiveStore> objectives;
  std::shared_ptr<router::PrecisePrefix> precise;
  std::shared_ptr<LearnedLatency> latency;
  std::optional<WakeRoom> wake_room;
  RouterPicker picker;
  async::StopScope scope;
};

DataPlane::DataPlane(async::Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      gateway_(
          runtime, [this](const gateway::ClusterConfig& config) { return make_picker(config); },
          options_.gateway) {
  gateway_.metrics().add_collector([this](telemetry::Snapshot& out) { collect(out); });
}

Result<std::unique_ptr<DataPlane>> DataPlane::bind(async::Runtime& runtime,
                                                   gateway::GatewayModel model, Options options) {
  std::unique_ptr<DataPlane> plane(new DataPlane(runtime, std::move(options)));
  RETURN_IF_ERROR(plane->gateway_.apply(std::move(model)));
  return plane;
}

Status DataPlane::apply(gateway::GatewayModel model) {
  std::set<std::string, std::less<>> names;
  for (const gateway::ClusterConfig& cluster : model.clusters) names.insert(cluster.name);
  RETURN_IF_ERROR(gateway_.apply(std::move(model)));
  const std::scoped_lock lock(pools_mutex_);
  for (const auto& [name, held] : pools_) {
    const std::shared_ptr<Pool> pool = names.contains(name) ? nullptr : held.lock();
    if (pool != nullptr && pool->wake_room) pool->wake_room->close();
  }
  return {};
}

std::shared_ptr<async::WorkPool> DataPlane::work_pool() {
  if (!work_pool_) {
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    work_pool_ = std::make_shared<async::WorkPool>(
        std::clamp<std::size_t>(cores / 2, 1, kMaxTokenizerThreads), kMaxTokenizerJobs);
  }
  return work_pool_;
}

Result<std::shared_ptr<gateway::EndpointPicker>> DataPlane::make_picker(
    const gateway::ClusterConfig& config) {
  RETURN_IF_ERROR(check_endpoints(config));
  ASSIGN_OR_RETURN(router::RouterSetup setup,
                   load_pool_setup(config, options_.allow_experimental_plugins));
  for (const std::string& warning : setup.warnings) {
    log::warn("picker configuration", {{"pool", config.name}, {"what", warning}});
  }
  std::shared_ptr<router::RecordWriter> recorder;
  if (!options_.record.empty()) {
    // One file per pool; the first has the name as given.
    const std::string path =
        num_records_ == 0 ? options_.record : fmt::format("{}.{}", options_.record, num_records_);
    ASSIGN_OR_RETURN(
        recorder, router::RecordWriter::create({.path = path}, setup.text, setup.schedule.headers));
    ++num_records_;
  }
  telemetry::Metrics& metrics = gateway_.metrics();
  ASSIGN_OR_RETURN(auto precise,
                   router::PrecisePrefix::start(
                       setup, {.metrics = &metrics,
                               .work_pool = router::wants_precise(setup) ? work_pool() : nullptr}));
  ASSIGN_OR_RETURN(router::EndpointPool::Config scrape,
                   engine_scrape({}, setup.data_layer, config.picker.scrape_interval));
  if (!config.discovered) scrape.addresses = config.endpoints;
  const bool use_agent_session = setup.use_agent_session;
  // The last snapshot that uses the pool may go on any loop; its scrapes end on loop 0.
  const auto retire = [loop = &runtime_.loop(0), live = live_pools_](Pool* pool) {
    loop->post([loop, live, pool] { loop->spawn(Pool::stop(std::unique_ptr<Pool>(pool), live)); });
  };
  live_pools_->fetch_add(1);
  std::shared_ptr<Pool> pool(new Pool(runtime_.loop(0), config, std::move(setup), std::move(scrape),
                                      metrics, std::move(recorder)),
                             retire);
  pool->precise = std::move(precise);
  if (pool->precise) pool->router.attach(pool->precise->source());
  pool->latency = LearnedLatency::attach_to(pool->router, metrics);
  if (!config.picker.objects.empty()) {
    ASSIGN_OR_RETURN(const router::objective::ObjectiveSet objects,
                     router::objective::parse_objective_documents(config.picker.objects));
    router::objective::ObjectiveTable table(objects, pool_id(config.name));
    pool->flow->ensure_bands(table.priorities());
    pool->objectives.emplace().publish(std::move(table));
  }
  pool->open(use_agent_session);
  if (config.discovered && options_.wake) {
    WakeRoom::Options room = options_.wake_room;
    room.wanted = [wake = options_.wake, name = config.name] { wake(name); };
    pool->wake_room.emplace(std::move(room));
    pool->picker.set_wake_room(&*pool->wake_room);
  }
  if (config.discovered) (void)pool->picker.replace_endpoints(config);
  if (first_.expired()) first_ = pool;
  {
    const std::scoped_lock lock(pools_mutex_);
    pools_[config.name] = pool;
  }
  return std::shared_ptr<gateway::EndpointPicker>(pool, &pool->picker);
}

// Of a pool that was made anew, the newest is told: series with equal labels stand once.
void DataPlane::collect(telemetry::Snapshot& out) {
  const std::scoped_lock lock(pools_mutex_);
  for (auto it = pools_.begin(); it != pools_.end();) {
    const std::shared_ptr<Pool> pool = it->second.lock();
    if (pool == nullptr) {
      it = pools_.erase(it);
      continue;
    }
    const telemetry::Labels labels{{"inference_pool", pool->name}};
    if (pool->precise) pool->precise->collect(out, labels);
    if (pool->latency) pool->latency->collect(out, labels);
    ++it;
  }
}

router::PoolSnapshotPtr DataPlane::pool() const {
  const auto pool = first_.lock();
  return pool ? pool->router.pool() : std::make_shared<const router::PoolSnapshot>();
}

std::shared_ptr<DataPlane::Pool> DataPlane::find_pool(const std::string& name) const {
  const std::scoped_lock lock(pools_mutex_);
  const auto found = pools_.find(name);
  return found == pools_.end() ? nullptr : found->second.lock();
}

std::optional<AnswerTally::Counts> DataPlane::answers(const std::string& name) const {
  const std::shared_ptr<Pool> pool = find_pool(name);
  if (pool == nullptr) return std::nullopt;
  return pool->picker.answers();
}

std::optional<PoolLoad> DataPlane::load(const std::string& name) const {
  const std::shared_ptr<Pool> pool = find_pool(name);
  if (pool == nullptr) return std::nullopt;
  const TimePoint now = std::chrono::steady_clock::now();
  PoolLoad out;
  if (pool->wake_room) out.held = pool->wake_room->held();
  TimePoint newest{};
  bool all_rates = true;
  double rate = 0;
  const router::PoolSnapshotPtr snapshot = pool->router.pool();
  for (const router::EndpointSnapshot& endpoint : snapshot->endpoints) {
    const router::EndpointMetrics& metrics = endpoint.metrics;
    if (!metrics.known) continue;
    ++out.reporting;
    newest = std::max(newest, metrics.updated);
    out.queued += metrics.waiting_requests;
    out.running += metrics.running_requests;
    out.kv_usage += metrics.kv_usage;
    all_rates = all_rates && metrics.decode_rate.has_value();
    rate += metrics.decode_rate.value_or(0);
  }
  if (out.reporting > 0) {
    out.kv_usage /= static_cast<double>(out.reporting);
    out.silent_for = now - newest;
    if (all_rates) out.decode_rate = rate;
  }
  if (const TimePoint last = pool->picker.last_request(); last != TimePoint{})
    out.idle_for = now - last;
  return out;
}

async::Task<Status> DataPlane::drain(TimePoint deadline) {
  const Status drained = co_await gateway_.drain(deadline);
  // A request that its handler has not left yet may hold a snapshot a little longer.
  for (int i = 0; i < 200 && live_pools_->load() > 0; ++i) co_await async::sleep_for(5ms);
  co_return drained;
}

}  // namespace nacelle::apps
