#include "apps/nacelle/data_plane.h"

#include "router/policy.h"

namespace nacelle::apps {

DataPlane::DataPlane(async::Runtime& runtime, const gateway::GatewayConfig& config,
                     router::Profile profile)
    : router_(std::move(profile)),
      pool_(runtime.loop(0), {config.endpoints, config.scrape_interval, 2s}, router_),
      picker_(router_, pool_),
      gateway_(runtime, config, picker_) {}

Result<std::unique_ptr<DataPlane>> DataPlane::bind(async::Runtime& runtime,
                                                   const gateway::GatewayConfig& config) {
  ASSIGN_OR_RETURN(router::Profile profile, router::make_policy(config.policy));
  std::unique_ptr<DataPlane> plane(new DataPlane(runtime, config, std::move(profile)));
  RETURN_IF_ERROR(plane->gateway_.bind());
  return plane;
}

async::Task<Status> DataPlane::drain(TimePoint deadline) {
  const Status drained = co_await gateway_.drain(deadline);
  co_await pool_.stop();
  co_return drained;
}

}  // namespace nacelle::apps
