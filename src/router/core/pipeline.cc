#include "router/core/pipeline.h"

#include <algorithm>

namespace nacelle::router {

Result<std::size_t> Pipeline::run(const PickContext& context, std::vector<Candidate>& candidates) {
  for (const auto& filter : profile_.filters) {
    filter->filter(context, candidates);
    if (candidates.empty()) return unavailable("no endpoints available for the given request");
  }
  if (candidates.empty()) return unavailable("the pool has no endpoints");
  for (Candidate& candidate : candidates) candidate.score = 0;
  scores_.resize(candidates.size());
  for (const WeightedScorer& weighted : profile_.scorers) {
    std::fill(scores_.begin(), scores_.end(), 0.0);
    weighted.scorer->score(context, candidates, scores_);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      // The comparison form of the clamp also turns NaN into 0.
      const double clamped = scores_[i] > 0 ? std::min(scores_[i], 1.0) : 0.0;
      candidates[i].score += clamped * weighted.weight;
    }
  }
  const std::size_t picked = profile_.picker->pick(context, candidates);
  CHECK(picked < candidates.size());
  return picked;
}

}  // namespace nacelle::router
