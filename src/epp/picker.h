// picker.h: what all streams of one pool share: the router, flow control, objectives, metrics.
//
// Home:    thread-safe; streams of all loops use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "epp/picker_metrics.h"
#include "epp/pool_metrics.h"
#include "router/flow/flow_controller.h"
#include "router/objective/objective_table.h"
#include "router/precise_prefix.h"
#include "router/router.h"
#include "tracing/span_exporter.h"

namespace nacelle::epp {

struct PickerOptions {
  bool emit_endpoint_scores = false;
  bool use_subset_filter = true;
  bool use_agent_session = false;
  bool echo_served_endpoint = false;  // destination-endpoint-served-verifier is configured
  std::size_t max_body_bytes = std::size_t{256} << 20;  // multimodal bodies are large; 413 beyond
};

// All outlive the streams.
struct Picker {
  router::Router& router;
  router::flow::FlowController& flow;
  router::objective::ObjectiveStore& objectives;
  PickerMetrics& metrics;
  PoolMetrics& pool_metrics;
  const Clock& clock;
  std::shared_ptr<router::PrecisePrefix> precise;  // null: prompts are not tokenised
  PickerOptions options;
  tracing::SpanExporter* spans = nullptr;  // null: no traces
};

// Any serving endpoint, uniformly; "" when there is none.
[[nodiscard]] std::string random_endpoint(const router::PoolSnapshot& pool, std::uint64_t random);

// The pool's endpoints whose host is that of a hint; ports in hints do not count.
[[nodiscard]] std::vector<std::string_view> endpoints_of_hosts(
    const router::PoolSnapshot& pool, const std::vector<std::string>& hints);

}  // namespace nacelle::epp
