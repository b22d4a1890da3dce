// engine_scrape.h: how an Endpoint Picker reads the gauges of its engines: the data layer of the
// configuration, with flags of the command line laid over it.
//
// Home:    pure, but for certificates that are read from files.
// Errors:  invalid_argument naming the flag; a certificate that does not load.
// Source:  router.md sections 9.6 and 14; flags of earlier Endpoint Pickers, which KServe passes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "router/config/data_layer.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

// "", 0 and nullopt: as the configuration says.
struct EngineScrapeFlags {
  std::string scheme, path;
  std::uint16_t port = 0;
  std::optional<bool> skip_verify;
  // Metrics of the default engine: name, or name{label=value}.
  std::string waiting, running, kv_usage, lora, cache_info;
};

[[nodiscard]] Result<router::EndpointPool::Config> engine_scrape(const EngineScrapeFlags& flags,
                                                                 router::DataLayerConfig layer,
                                                                 Duration interval);

}  // namespace nacelle::apps
