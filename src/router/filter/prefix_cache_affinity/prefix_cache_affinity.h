// prefix_cache_affinity.h: keeps endpoints that hold most of the prompt, while that pays.
//
// It does not when the best of them would answer so much later than the best of the others that
// computing the prefix again is faster; and now and then (explorationProbability) all stay.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::router {

class PrefixCacheAffinityFilter final : public Plugin, public Filter {
 public:
  struct Options {
    double affinity_threshold = 0.80;
    double exploration_probability = 0;
    double max_ttft_penalty_ms = 18000;
    double peak_prefill_throughput = 15928;  // tokens per second
  };
  // `predictions` null: TTFT is the tokens in flight over the peak throughput.
  PrefixCacheAffinityFilter(const Options& options, PrefixSourceId source,
                            const PredictedLatency* predictions)
      : options_(options), source_(source), predictions_(predictions) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  [[nodiscard]] std::optional<double> ttft_ms(const PickContext& context,
                                              std::uint32_t position) const;

  Options options_;
  PrefixSourceId source_;
  const PredictedLatency* predictions_;
};

}  // namespace nacelle::router
