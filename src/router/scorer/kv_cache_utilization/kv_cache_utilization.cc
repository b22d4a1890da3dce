#include "router/scorer/kv_cache_utilization/kv_cache_utilization.h"

namespace nacelle::router {

std::shared_ptr<Plugin> KvCacheUtilizationScorer::make(Fields&, BuildContext&) {
  return std::make_shared<KvCacheUtilizationScorer>();
}

void KvCacheUtilizationScorer::score(const PickContext& context, const Candidates& candidates,
                                     std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    scores[i] = 1.0 - context.kv_usage(candidates[i]);
  }
}

}  // namespace nacelle::router
