#include "router/scorer/load_cost/load_cost.h"

#include <algorithm>

#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> LoadCostScorer::make(Fields& fields, BuildContext& context) {
  double tokens_per_request = kTokensPerRequest;
  fields.number("tokensPerRequest", tokens_per_request, 0, 1e6);
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<LoadCostScorer>(tokens_per_request, source);
}

void LoadCostScorer::score(const PickContext& context, const Candidates& candidates,
                           std::span<double> scores) const {
  const DecisionInput& input = context.input;
  double highest = 1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint32_t position = candidates[i];
    scores[i] = static_cast<double>(input.load_tokens[position] +
                                    context.uncached_tokens(source_, position)) +
                tokens_per_request_ * static_cast<double>(input.load_requests[position]);
    highest = std::max(highest, scores[i]);
  }
  for (double& score : scores) score = 1.0 - score / highest;
}

}  // namespace nacelle::router
