#include "router/scorer/load_cost/load_cost.h"

#include <algorithm>

namespace nacelle::router {

void LoadCostScorer::score(const PickContext& context, std::span<const Candidate> candidates,
                           std::span<double> scores) const {
  double highest = 1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    scores[i] = static_cast<double>(candidate.load.tokens + context.uncached_tokens(candidate)) +
                kTokensPerRequest * static_cast<double>(candidate.load.requests);
    highest = std::max(highest, scores[i]);
  }
  for (double& score : scores) score = 1.0 - score / highest;
}

}  // namespace nacelle::router
