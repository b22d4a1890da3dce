// feature_rows.h: the terms that a latency is a non-negative sum of.
//
// Each term is a way in which a step or a wait gets longer, scaled to about 1 in ordinary
// operation: an engine's step time is a constant plus costs per prefill token, per sequence and per
// token of context, and the first token waits for the prompts before it and for its own. Products
// stand for sharing: a prompt that is computed in chunks beside n decoding sequences takes n times
// longer steps. Every term is at least 0, and so is every coefficient (nonnegative_regression.h).
//
// Home:    pure.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "router/latency/latency_features.h"

namespace nacelle::router::latency {

inline constexpr std::size_t kTerms = 12;
using Row = std::array<double, kTerms>;

// A finite number in [0, high].
[[nodiscard]] inline double bounded(double value, double high) {
  return value > 0 ? std::min(value, high) : 0;  // NaN compares false
}

[[nodiscard]] inline LatencyFeatures bounded(const LatencyFeatures& f) {
  constexpr double kTokens = 1e8;
  constexpr double kRequests = 1e5;
  return {bounded(f.kv_usage, 1),
          bounded(f.input_tokens, kTokens),
          bounded(f.waiting_requests, kRequests),
          bounded(f.running_requests, kRequests),
          bounded(f.prefix_score, 1),
          bounded(f.prefill_tokens_in_flight, kTokens),
          bounded(f.decode_tokens_in_flight, kTokens),
          bounded(f.generated_tokens, kTokens)};
}

[[nodiscard]] inline Row ttft_row(const LatencyFeatures& raw) {
  const LatencyFeatures f = bounded(raw);
  const double input = f.input_tokens / 1000;
  const double computed = input * (1 - f.prefix_score);  // what the cache does not hold
  const double before = f.prefill_tokens_in_flight / 1000;
  const double running = f.running_requests / 10;
  const double waiting = f.waiting_requests / 10;
  const double context = f.decode_tokens_in_flight / 10'000;
  const double crowded = std::max(0.0, f.kv_usage - 0.85) * 10;  // preemption begins
  return {1,
          computed,
          computed * input / 10,  // attention over the whole prompt
          before,
          waiting,
          running,
          f.kv_usage,
          context,
          computed * running,
          before * running,
          waiting * f.kv_usage,
          crowded * (1 + waiting)};
}

[[nodiscard]] inline Row tpot_row(const LatencyFeatures& raw) {
  const LatencyFeatures f = bounded(raw);
  const double running = f.running_requests / 10;
  const double before = f.prefill_tokens_in_flight / 1000;
  return {1,
          running,
          f.kv_usage,
          f.decode_tokens_in_flight / 10'000,
          std::min(before, 2.0),  // a step takes a bounded part of the prompts that wait
          before,
          f.waiting_requests / 10,
          (f.input_tokens + f.generated_tokens) / 1000,
          running * f.kv_usage,
          running * std::min(before, 2.0),
          std::max(0.0, f.kv_usage - 0.85) * 10,
          0};
}

}  // namespace nacelle::router::latency
