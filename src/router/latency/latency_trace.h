// latency_trace.h: follows one request from its pick to its last token and teaches the predictor.
//
//   LatencyTrace trace({.predictor = &predictor, ...});
//   trace.on_first_chunk(now);               TTFT sample
//   trace.on_tokens(n, now, look);           TPOT samples of chosen tokens, with the load of then
//   trace.on_end(now);                       TPOT of the whole answer, SLO violations
//
// Without streaming mode the one chunk is the whole answer: its time is the TTFT sample, and there
// is no TPOT. With a prefill target the TTFT teaches the prefill endpoint's kind.
//
// Home:    one request's loop.
// Source:  router.md section 18.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "router/latency/core/slo_headroom.h"
#include "router/latency/core/token_sampler.h"
#include "router/latency/latency_metrics.h"
#include "router/latency/latency_predictor.h"

namespace nacelle::router::latency {

class LatencyTrace {
 public:
  struct Start {
    LatencyPredictor* predictor = nullptr;
    LatencyMetrics::Series* series = nullptr;  // may be null
    LatencyPredictor::Query decode;            // the endpoint that answers, as it was at the pick
    const LatencyPredictor::Query* prefill = nullptr;  // where another one computes the prompt
    LatencyPrediction predicted;                       // of the pick
    Slo slo;
    TimePoint dispatched{};
    std::uint64_t seed = 0;  // of the token sampler
  };

  explicit LatencyTrace(const Start& start);

  // The first chunk of the answer came, with at least one token. Later calls change nothing.
  void on_first_chunk(TimePoint now);

  // `tokens` more came at `now`, after the first chunk. `look` gives the endpoint's present
  // features; it is called for the few chosen tokens only.
  void on_tokens(std::uint64_t tokens, TimePoint now, const std::function<LatencyFeatures()>& look);

  // The answer is complete. Not called for requests that failed: they teach nothing.
  void on_end(TimePoint now);

 private:
  LatencyPredictor& predictor_;
  LatencyMetrics::Series* series_;
  LatencyPredictor::Query decode_;
  LatencyPredictor::Query first_;  // whose TTFT it is
  LatencyPrediction predicted_;
  Slo slo_;
  TimePoint dispatched_;
  TokenSampler sampler_;
  bool streaming_;
  bool started_ = false;
  TimePoint first_chunk_{};
  TimePoint last_token_{};
  TimePoint sampled_at_{};
  std::uint64_t tokens_ = 0;          // after the first chunk
  std::uint64_t sampled_tokens_ = 0;  // of those, up to the last sample
};

}  // namespace nacelle::router::latency
