#include "router/scorer/kv_cache_utilization/kv_cache_utilization.h"

namespace nacelle::router {

void KvCacheUtilizationScorer::score(const PickContext& context,
                                     std::span<const Candidate> candidates,
                                     std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const EndpointMetrics& metrics = candidates[i].endpoint->metrics;
    scores[i] = context.fresh(metrics) ? 1.0 - metrics.kv_usage : 0.5;
  }
}

}  // namespace nacelle::router
