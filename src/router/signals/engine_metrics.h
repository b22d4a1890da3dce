// engine_metrics.h: the gauges that routing reads from an engine's /metrics text.
//
// Several series of one metric (one per engine core): the last sample counts; of the adapter series
// the one with the largest value, which is a time. Values that make no sense (NaN, negative, a KV
// usage above 1) are left out.
//
// Home:    pure.
// Bounds:  1,000 adapter names per list.
// Source:  router.md section 14.
#pragma once

#include <optional>
#include <string_view>

#include "router/endpoint.h"
#include "router/signals/engine_specs.h"

namespace nacelle::router {

struct EngineReading {
  EndpointMetrics metrics;  // `updated` and `known` are the caller's
  std::shared_ptr<const LoraState> lora;
  std::shared_ptr<const Attributes> attributes;  // the custom metrics
};

// Updates what the text names and keeps the rest. Returns how many of the metrics were found.
int extract_engine_metrics(std::string_view prometheus_text, const EngineSpec& engine,
                           EngineReading& reading);

// The same for vLLM's names, gauges only.
int extract_engine_metrics(std::string_view prometheus_text, EndpointMetrics& metrics);

}  // namespace nacelle::router
