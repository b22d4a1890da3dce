// slo_headroom.h: how far an endpoint's predicted latencies stay below what a request asked for.
//
//   ttft  SLO - predicted
//   tpot  min(SLO, smallest TPOT SLO of the requests that run there) * buffer - predicted
//         neutral (0, valid) on a prefill endpoint and where answers are not streamed
// An SLO that was not asked for is 0, so its headroom is negative and smaller for slower endpoints.
//
// Home:    pure.
// Source:  router.md section 18.
#pragma once

#include <algorithm>

#include "router/latency/latency_features.h"

namespace nacelle::router::latency {

struct Slo {
  double ttft_seconds = 0;  // 0: none
  double tpot_seconds = 0;
};

struct SloHeadroom {
  double ttft_seconds = 0;
  double tpot_seconds = 0;
  [[nodiscard]] bool ttft_valid() const { return ttft_seconds >= 0; }
  [[nodiscard]] bool tpot_valid() const { return tpot_seconds >= 0; }
  [[nodiscard]] bool valid() const { return ttft_valid() && tpot_valid(); }
};

enum class TpotMatters { kNo, kYes };

// `running_tpot_slo_seconds`: of the requests running there, 0 for none.
[[nodiscard]] inline SloHeadroom slo_headroom(const LatencyPrediction& predicted, const Slo& slo,
                                              double running_tpot_slo_seconds, double buffer,
                                              TpotMatters tpot) {
  SloHeadroom out;
  out.ttft_seconds = slo.ttft_seconds - predicted.ttft_seconds;
  if (tpot == TpotMatters::kYes) {
    double strictest = slo.tpot_seconds;
    if (running_tpot_slo_seconds > 0) {
      strictest =
          strictest > 0 ? std::min(strictest, running_tpot_slo_seconds) : running_tpot_slo_seconds;
    }
    out.tpot_seconds = strictest * buffer - predicted.tpot_seconds;
  }
  return out;
}

}  // namespace nacelle::router::latency
