#include "router/scorer/token_load/token_load.h"

#include <algorithm>

#include "router/producer/inflight_load/inflight_load.h"

namespace nacelle::router {

std::shared_ptr<Plugin> TokenLoadScorer::make(Fields& fields, BuildContext& context) {
  double threshold = 4194304;
  fields.number("queueThresholdTokens", threshold, 1, 1e15);
  const PrefixSourceId source =
      context.producer<InflightLoad>(fields, "inFlightLoadProducerName", kInflightLoadProducer)
          .prefix_source();
  return std::make_shared<TokenLoadScorer>(threshold, source);
}

void TokenLoadScorer::score(const PickContext& context, const Candidates& candidates,
                            std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint32_t position = candidates[i];
    const auto tokens = static_cast<double>(context.input.load_tokens[position] +
                                            context.uncached_tokens(source_, position));
    scores[i] = 1.0 - std::min(tokens, threshold_) / threshold_;
  }
}

}  // namespace nacelle::router
