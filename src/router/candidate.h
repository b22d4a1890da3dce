// candidate.h: one endpoint during one pick, with all that filters, scorers and pickers look at.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.h"
#include "router/endpoint.h"
#include "router/routing_request.h"

namespace nacelle::router {

// Load that this router has placed and not yet seen finished. Written inside the pick.
struct InFlightLoad {
  std::uint64_t requests = 0;
  std::uint64_t tokens =
      0;  // uncached prompt tokens whose prefill has not produced a first byte yet
};

struct Candidate {
  const EndpointSnapshot* endpoint = nullptr;
  InFlightLoad load;
  std::uint32_t matched_blocks = 0;  // of the request's prompt, by the approximate prefix index
  double score = 0;                  // weighted sum, set by the pipeline
};

// What a decision depends on besides the candidates. Same inputs, same decision.
struct PickContext {
  const RoutingRequest& request;
  TimePoint now{};
  Duration metrics_stale_after = std::chrono::seconds(2);

  // Scraped gauges count only while fresh; after that our own counters stand in for them.
  [[nodiscard]] bool fresh(const EndpointMetrics& metrics) const {
    return metrics.known && now - metrics.updated <= metrics_stale_after;
  }
  // Prompt tokens the endpoint would have to compute.
  [[nodiscard]] std::uint64_t uncached_tokens(const Candidate& candidate) const {
    const std::uint64_t cached =
        std::uint64_t{candidate.matched_blocks} * request.block_size_tokens;
    return cached >= request.prompt_tokens ? 0 : request.prompt_tokens - cached;
  }
};

}  // namespace nacelle::router
