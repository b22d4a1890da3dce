#include "apps/nacelle/data_plane.h"

#include "async/timer.h"
#include "router/config/router_setup.h"
#include "router/policy.h"
#include "telemetry/log.h"

namespace nacelle::apps {

namespace {

// The pool's own EndpointPickerConfig, or else its policy.
Result<router::RouterSetup> load_setup(const gateway::ClusterConfig& config,
                                       const DataPlane::Options& options) {
  if (config.picker.plugins.empty()) {
    ASSIGN_OR_RETURN(const std::string_view text, router::policy_config(config.picker.policy));
    return router::load_router_setup(text, config.picker.policy);
  }
  return router::load_router_setup(
      config.picker.plugins, config.name,
      {.allow_experimental_plugins = options.allow_experimental_plugins});
}

}  // namespace

struct DataPlane::Pool {
  Pool(async::Loop& loop, const gateway::ClusterConfig& config, router::RouterSetup setup,
       std::shared_ptr<router::RecordWriter> writer)
      : recorder(std::move(writer)),
        router(std::move(setup.schedule)),
        endpoints(loop,
                  {config.endpoints, config.picker.scrape_interval, 2s,
                   std::move(setup.data_layer.engines)},
                  router),
        picker(router, endpoints) {
    router.record_to(recorder.get());
  }
  ~Pool() { router.record_to(nullptr); }

  static async::Task<void> stop(std::unique_ptr<Pool> pool,
                                std::shared_ptr<std::atomic<int>> live) {
    co_await pool->endpoints.stop();
    pool.reset();
    live->fetch_sub(1);
  }

  const std::shared_ptr<router::RecordWriter> recorder;  // null: decisions are not written
  router::Router router;
  router::EndpointPool endpoints;
  RouterPicker picker;
};

DataPlane::DataPlane(async::Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      gateway_(
          runtime, [this](const gateway::ClusterConfig& config) { return make_picker(config); },
          options_.gateway) {}

Result<std::unique_ptr<DataPlane>> DataPlane::bind(async::Runtime& runtime,
                                                   gateway::GatewayModel model,
                                                   Options options) {
  std::unique_ptr<DataPlane> plane(new DataPlane(runtime, std::move(options)));
  RETURN_IF_ERROR(plane->gateway_.apply(std::move(model)));
  return plane;
}

Result<std::shared_ptr<gateway::EndpointPicker>> DataPlane::make_picker(
    const gateway::ClusterConfig& config) {
  if (config.endpoints.empty()) {
    return invalid_argument("the pool has no endpoints; StaticEndpoints name them");
  }
  ASSIGN_OR_RETURN(router::RouterSetup setup, load_setup(config, options_));
  for (const std::string& warning : setup.warnings) {
    log::warn("picker configuration", {{"pool", config.name}, {"what", warning}});
  }
  std::shared_ptr<router::RecordWriter> recorder;
  if (!options_.record.empty()) {
    // One file per pool; the first has the name as given.
    const std::string path =
        num_records_ == 0 ? options_.record : fmt::format("{}.{}", options_.record, num_records_);
    ASSIGN_OR_RETURN(recorder, router::RecordWriter::create({.path = path}, setup.text,
                                                            setup.schedule.headers));
    ++num_records_;
  }
  // The last snapshot that uses the pool may go on any loop; its scrapes end on loop 0.
  const auto retire = [loop = &runtime_.loop(0), live = live_pools_](Pool* pool) {
    loop->post([loop, live, pool] { loop->spawn(Pool::stop(std::unique_ptr<Pool>(pool), live)); });
  };
  live_pools_->fetch_add(1);
  std::shared_ptr<Pool> pool(new Pool(runtime_.loop(0), config, std::move(setup), std::move(recorder)), retire);
  if (pool->router.wants_prefix_source()) {
    log::warn("no index of KV events is attached: precise prefix matches are unknown",
              {{"pool", config.name}});
  }
  if (pool->router.wants_latency_source()) {
    log::warn("no latency model is attached: predictions are unknown", {{"pool", config.name}});
  }
  pool->endpoints.start();
  if (first_.expired()) first_ = pool;
  return std::shared_ptr<gateway::EndpointPicker>(pool, &pool->picker);
}

router::PoolSnapshotPtr DataPlane::pool() const {
  const auto pool = first_.lock();
  return pool ? pool->router.pool() : std::make_shared<const router::PoolSnapshot>();
}

async::Task<Status> DataPlane::drain(TimePoint deadline) {
  const Status drained = co_await gateway_.drain(deadline);
  // A request that its handler has not left yet may hold a snapshot a little longer.
  for (int i = 0; i < 200 && live_pools_->load() > 0; ++i) co_await async::sleep_for(5ms);
  co_return drained;
}

}  // namespace nacelle::apps
