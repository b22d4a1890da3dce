// latency_source.h: predicted TTFT and TPOT of a request on each endpoint.
//
// The online model implements it; the producer `predicted-latency-producer` reads it in every pick.
//
// Home:    called under the router's lock.
// Source:  router.md section 18.
#pragma once

#include <span>

#include "router/decision_input.h"

namespace nacelle::router {

class LatencySource {
 public:
  virtual ~LatencySource() = default;

  // `predictions` by position in input.pool; they come in as "none". `prefix` is the column of
  // cached blocks to use, or null. `running_tpot_slo_ms[position]` comes in as 0 and becomes the
  // smallest TPOT SLO of the requests running there, if any has one.
  virtual void predict(const DecisionInput& input, const PrefixColumn* prefix,
                       std::span<LatencyPrediction> predictions,
                       std::span<double> running_tpot_slo_ms) = 0;
};

}  // namespace nacelle::router
