#include "router/scorer/prefix_cache/prefix_cache.h"

namespace nacelle::router {

void PrefixCacheScorer::score(const PickContext& context, std::span<const Candidate> candidates,
                              std::span<double> scores) const {
  const std::size_t total = context.request.block_hashes.size();
  if (total == 0) return;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    scores[i] = static_cast<double>(candidates[i].matched_blocks) / static_cast<double>(total);
  }
}

}  // namespace nacelle::router
