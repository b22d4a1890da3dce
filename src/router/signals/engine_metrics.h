// engine_metrics.h: the gauges that routing reads from an engine's /metrics text.
//
// Several series of one metric (one per engine core): the last sample counts. Values that make no
// sense (NaN, negative, a KV usage above 1) are left out. Source: router.md section 14, engine
// `vllm`.
#pragma once

#include <string_view>

#include "router/endpoint.h"

namespace nacelle::router {

// Updates what the text names and keeps the rest; `updated` and `known` are the caller's.
// Returns how many of the gauges were found.
int extract_engine_metrics(std::string_view prometheus_text, EndpointMetrics& metrics);

}  // namespace nacelle::router
