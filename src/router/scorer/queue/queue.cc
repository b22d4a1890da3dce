#include "router/scorer/queue/queue.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> QueueScorer::make(Fields&, BuildContext&) {
  return std::make_shared<QueueScorer>();
}

void fewer_is_better(std::span<double> values) {
  if (values.empty()) return;
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const double low = *lowest, high = *highest;
  for (double& value : values) value = high > low ? (high - value) / (high - low) : 1.0;
}

void QueueScorer::score(const PickContext& context, const Candidates& candidates,
                        std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) scores[i] = context.waiting(candidates[i]);
  fewer_is_better(scores);
}

}  // namespace nacelle::router
