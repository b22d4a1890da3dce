// decision_input.h: all that a decision depends on. Same input, same decision.
//
// State that lives on (indexes, counters, sessions, learned models) is read into columns before the
// decision, by the producers of plugin.h, under the router's lock. What decides then is a pure
// function, and a recorded input repeats it.
//
// Home:    a value; reused between picks.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "router/pool_view.h"
#include "router/routing_request.h"

namespace nacelle::router {

// Load that this router has placed and not yet seen finished.
struct InFlightLoad {
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;  // of prompts (and, if configured, answers) not computed yet
};

// How much of the prompt each endpoint holds, according to one index.
struct PrefixColumn {
  std::vector<std::uint32_t> matched;  // leading blocks, by position; empty: nothing is known
  std::vector<std::uint32_t> cached;   // the same without the weights of memory tiers; empty: as
                                       // `matched`
  std::uint32_t total_blocks = 0;
  std::uint32_t block_size_tokens = 64;
};

// Numbers of a plugin's own state, by position, or a single one. Empty: nothing is known.
using Column = std::vector<double>;
using ColumnId = std::uint32_t;
using PrefixSourceId = std::uint32_t;

// Milliseconds; NaN where there is no prediction.
struct LatencyPrediction {
  double ttft_ms = std::numeric_limits<double>::quiet_NaN();
  double tpot_ms = std::numeric_limits<double>::quiet_NaN();
};

struct DecisionInput {
  RoutingRequest request;
  PoolViewPtr pool;
  TimePoint now{};
  Duration metrics_stale_after = std::chrono::seconds(2);

  // By position.
  std::vector<std::uint64_t> load_requests;
  std::vector<std::uint64_t> load_tokens;
  std::vector<std::uint64_t> unseen_requests;  // placed since the last scrape, which knows no more

  std::vector<PrefixColumn> prefix;  // by PrefixSourceId
  std::vector<Column> columns;       // by ColumnId
};

}  // namespace nacelle::router
