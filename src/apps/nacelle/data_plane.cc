#include "apps/nacelle/data_plane.h"

#include "base/file.h"
#include "router/policy.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

// The file that the gateway's configuration names, or else its policy.
Result<router::RouterSetup> load_setup(const gateway::GatewayConfig& config,
                                       const DataPlane::Options& options) {
  const std::string& path = config.endpoint_picker_config;
  if (path.empty()) {
    ASSIGN_OR_RETURN(const std::string_view text, router::policy_config(config.policy));
    return router::load_router_setup(text, config.policy);
  }
  ASSIGN_OR_RETURN(const std::string text, read_file(path, router::kMaxConfigBytes));
  return router::load_router_setup(
      text, path, {.allow_experimental_plugins = options.allow_experimental_plugins});
}

}  // namespace

DataPlane::DataPlane(async::Runtime& runtime, const gateway::GatewayConfig& config,
                     router::RouterSetup setup)
    : router_(std::move(setup.schedule)),
      pool_(runtime.loop(0),
            {config.endpoints, config.scrape_interval, 2s, std::move(setup.data_layer.engines)},
            router_),
      picker_(router_, pool_),
      gateway_(runtime, config, picker_) {}

DataPlane::~DataPlane() { router_.record_to(nullptr); }

Result<std::unique_ptr<DataPlane>> DataPlane::bind(async::Runtime& runtime,
                                                   const gateway::GatewayConfig& config,
                                                   const Options& options) {
  ASSIGN_OR_RETURN(router::RouterSetup setup, load_setup(config, options));
  for (const std::string& warning : setup.warnings)
    log::warn("picker configuration", {{"what", warning}});
  std::unique_ptr<router::RecordWriter> recorder;
  if (!options.record.empty()) {
    ASSIGN_OR_RETURN(recorder, router::RecordWriter::create({.path = options.record}, setup.text,
                                                            setup.schedule.headers));
  }
  std::unique_ptr<DataPlane> plane(new DataPlane(runtime, config, std::move(setup)));
  if (plane->router_.wants_prefix_source()) {
    log::warn("no index of KV events is attached: precise prefix matches are unknown");
  }
  if (plane->router_.wants_latency_source()) {
    log::warn("no latency model is attached: predictions are unknown");
  }
  plane->recorder_ = std::move(recorder);
  plane->router_.record_to(plane->recorder_.get());
  RETURN_IF_ERROR(plane->gateway_.bind());
  return plane;
}

async::Task<Status> DataPlane::drain(TimePoint deadline) {
  const Status drained = co_await gateway_.drain(deadline);
  co_await pool_.stop();
  co_return drained;
}

}  // namespace nacelle::apps
