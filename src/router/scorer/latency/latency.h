// latency.h: rates endpoints by how much headroom their predicted latencies leave to the SLOs.
//
// Those with headroom in both TTFT and TPOT come first (or, without any, idle ones, then those that
// miss the least); within one bucket the headrooms are normalised and weighted. `least` prefers the
// fullest endpoint that still meets the SLO, `most` the emptiest. Without predictions a composite
// of KV use, queue and prefix stands in.
//
// Home:    immutable, pure.
// Source:  router.md section 18.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::router {

class LatencyScorer final : public Plugin, public Scorer {
 public:
  struct Options {
    double ttft_weight = 0.8;
    double tpot_weight = 0.2;
    bool most_headroom = false;
    double composite_kv = 1;
    double composite_queue = 1;
    double composite_prefix = 1;
  };
  LatencyScorer(const Options& options, const PredictedLatency& predictions)
      : options_(options), predictions_(predictions) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  struct Rated {
    std::size_t index;  // among the candidates
    LatencyHeadroom headroom;
  };
  void composite(const PickContext& context, const Candidates& candidates,
                 std::span<double> scores) const;
  void rate_bucket(std::span<const Rated> bucket, bool most, std::span<double> scores) const;

  Options options_;
  const PredictedLatency& predictions_;
};

}  // namespace nacelle::router
