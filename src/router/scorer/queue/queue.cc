#include "router/scorer/queue/queue.h"

#include <algorithm>

namespace nacelle::router {

void QueueScorer::score(const PickContext& context, std::span<const Candidate> candidates,
                        std::span<double> scores) const {
  double lowest = 0, highest = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const EndpointMetrics& metrics = candidates[i].endpoint->metrics;
    const double depth = context.fresh(metrics) ? metrics.waiting_requests
                                                : static_cast<double>(candidates[i].load.requests);
    scores[i] = depth;
    lowest = i == 0 ? depth : std::min(lowest, depth);
    highest = i == 0 ? depth : std::max(highest, depth);
  }
  for (double& score : scores) {
    score = highest > lowest ? (highest - score) / (highest - lowest) : 1.0;
  }
}

}  // namespace nacelle::router
