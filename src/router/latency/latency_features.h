// latency_features.h: what a latency prediction is made from, and what it says.
//
// Home:    values.
// Source:  router.md section 18.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace nacelle::router::latency {

// An endpoint as a request meets it. Numbers that are negative or not finite count as 0.
struct LatencyFeatures {
  double kv_usage = 0;      // 0..1
  double input_tokens = 0;  // of this request
  double waiting_requests = 0;
  double running_requests = 0;          // the router's own count of dispatched ones
  double prefix_score = 0;              // matched / total blocks of this request here
  double prefill_tokens_in_flight = 0;  // not computed yet, of all requests placed here
  double decode_tokens_in_flight = 0;   // context of the requests that decode here
  double generated_tokens = 0;          // by this request so far
};

struct LatencyPrediction {
  bool known = false;  // false until the model has seen enough
  double ttft_seconds = 0;
  double tpot_seconds = 0;
};

enum class Target : std::uint8_t { kTtft, kTpot };

}  // namespace nacelle::router::latency
