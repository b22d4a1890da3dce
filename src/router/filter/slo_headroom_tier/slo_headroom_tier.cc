#include "router/filter/slo_headroom_tier/slo_headroom_tier.h"

namespace nacelle::router {

std::shared_ptr<Plugin> SloHeadroomTierFilter::make(Fields& fields, BuildContext& context) {
  double explore = 0.01;
  fields.number("epsilonExploreNeg", explore, 0, 1);
  return std::make_shared<SloHeadroomTierFilter>(
      explore, context.producer<PredictedLatency>(fields, "latencyPredictionInfoProducerName",
                                                  kPredictedLatencyProducer));
}

void SloHeadroomTierFilter::filter(const PickContext& context, Candidates& candidates) const {
  std::size_t positive = 0;
  const auto is_positive = [&](std::uint32_t position) {
    const auto headroom = predictions_.headroom(context, position);
    return headroom && headroom->ok();
  };
  for (const std::uint32_t position : candidates) positive += is_positive(position);
  if (positive == 0 || positive == candidates.size()) return;
  const bool keep_positive = explore_negative_ <= 0 || context.random.unit() >= explore_negative_;
  candidates.keep_if(
      [&](std::uint32_t position) { return is_positive(position) == keep_positive; });
}

}  // namespace nacelle::router
