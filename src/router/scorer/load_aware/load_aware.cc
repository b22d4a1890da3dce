#include "router/scorer/load_aware/load_aware.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> LoadAwareScorer::make(Fields& fields, BuildContext&) {
  double threshold = 128;
  fields.number("threshold", threshold, 1, 1e9);
  return std::make_shared<LoadAwareScorer>(threshold);
}

void LoadAwareScorer::score(const PickContext& context, const Candidates& candidates,
                            std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double waiting = std::min(context.waiting(candidates[i]), threshold_);
    scores[i] = 0.5 * (1.0 - waiting / threshold_);
  }
}

}  // namespace nacelle::router
