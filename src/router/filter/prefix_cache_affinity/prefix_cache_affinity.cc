#include "router/filter/prefix_cache_affinity/prefix_cache_affinity.h"

#include <algorithm>

#include "router/producer/inflight_load/inflight_load.h"
#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> PrefixCacheAffinityFilter::make(Fields& fields, BuildContext& context) {
  Options options;
  bool predicted = false;
  fields.number("affinityThreshold", options.affinity_threshold, 0, 1);
  fields.number("explorationProbability", options.exploration_probability, 0, 1);
  fields.number("maxTTFTPenaltyMs", options.max_ttft_penalty_ms, 0, 1e12);
  fields.choice("ttftSource", predicted,
                {{"prefillThroughput", false}, {"latencyPredictor", true}});
  fields.number("peakPrefillThroughput", options.peak_prefill_throughput, 1e-3, 1e12);
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  if (predicted) {
    return std::make_shared<PrefixCacheAffinityFilter>(
        options, source,
        &context.producer<PredictedLatency>(fields, "latencyPredictionInfoProducerName",
                                            kPredictedLatencyProducer));
  }
  fields.ignored("latencyPredictionInfoProducerName");
  (void)context.producer<InflightLoad>(fields, "inFlightLoadProducerName", kInflightLoadProducer);
  return std::make_shared<PrefixCacheAffinityFilter>(options, source, nullptr);
}

std::optional<double> PrefixCacheAffinityFilter::ttft_ms(const PickContext& context,
                                                         std::uint32_t position) const {
  if (predictions_ == nullptr) {
    return static_cast<double>(context.input.load_tokens[position]) /
           options_.peak_prefill_throughput * 1000;
  }
  const auto prediction = predictions_->prediction(context, position);
  if (!prediction) return std::nullopt;
  return prediction->ttft_ms;
}

void PrefixCacheAffinityFilter::filter(const PickContext& context, Candidates& candidates) const {
  const PrefixColumn& prefix = context.input.prefix[source_];
  if (prefix.total_blocks == 0 || prefix.matched.empty()) return;
  const double wanted = options_.affinity_threshold * prefix.total_blocks;
  const auto sticky = [&](std::uint32_t position) { return prefix.matched[position] >= wanted; };

  std::optional<double> best_sticky, best_other;
  std::size_t count = 0;
  for (const std::uint32_t position : candidates) {
    count += sticky(position);
    const auto ttft = ttft_ms(context, position);
    auto& best = sticky(position) ? best_sticky : best_other;
    if (ttft && (!best || *ttft < *best)) best = ttft;
  }
  if (count == 0 || count == candidates.size()) return;
  if (options_.exploration_probability > 0 &&
      context.random.unit() < options_.exploration_probability) {
    return;
  }
  if (best_sticky && best_other && *best_sticky - *best_other > options_.max_ttft_penalty_ms)
    return;
  candidates.keep_if(sticky);
}

}  // namespace nacelle::router
