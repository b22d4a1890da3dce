#include "apps/nacelle/data_plane.h"

#include "async/timer.h"
#include "router/policy.h"

namespace nacelle::apps {

struct DataPlane::Pool {
  Pool(async::Loop& loop, const gateway::ClusterConfig& config, router::Profile profile)
      : router(std::move(profile)),
        endpoints(loop, {config.endpoints, config.picker.scrape_interval, 2s}, router),
        picker(router, endpoints) {}

  static async::Task<void> stop(std::unique_ptr<Pool> pool,
                                std::shared_ptr<std::atomic<int>> live) {
    co_await pool->endpoints.stop();
    pool.reset();
    live->fetch_sub(1);
  }

  router::Router router;
  router::EndpointPool endpoints;
  RouterPicker picker;
};

DataPlane::DataPlane(async::Runtime& runtime, gateway::GatewayOptions options)
    : runtime_(runtime),
      gateway_(
          runtime, [this](const gateway::ClusterConfig& config) { return make_picker(config); },
          std::move(options)) {}

Result<std::unique_ptr<DataPlane>> DataPlane::bind(async::Runtime& runtime,
                                                   gateway::GatewayModel model,
                                                   gateway::GatewayOptions options) {
  std::unique_ptr<DataPlane> plane(new DataPlane(runtime, std::move(options)));
  RETURN_IF_ERROR(plane->gateway_.apply(std::move(model)));
  return plane;
}

Result<std::shared_ptr<gateway::EndpointPicker>> DataPlane::make_picker(
    const gateway::ClusterConfig& config) {
  if (config.endpoints.empty()) {
    return invalid_argument("the pool has no endpoints; StaticEndpoints name them");
  }
  ASSIGN_OR_RETURN(router::Profile profile, router::make_policy(config.picker.policy));
  // The last snapshot that uses the pool may go on any loop; its scrapes end on loop 0.
  const auto retire = [loop = &runtime_.loop(0), live = live_pools_](Pool* pool) {
    loop->post([loop, live, pool] { loop->spawn(Pool::stop(std::unique_ptr<Pool>(pool), live)); });
  };
  live_pools_->fetch_add(1);
  std::shared_ptr<Pool> pool(new Pool(runtime_.loop(0), config, std::move(profile)), retire);
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
