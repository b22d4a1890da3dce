#include "router/scorer/active_request/active_request.h"

#include <algorithm>

namespace nacelle::router {

void ActiveRequestScorer::score(const PickContext&, std::span<const Candidate> candidates,
                                std::span<double> scores) const {
  std::uint64_t highest = 0;
  for (const Candidate& candidate : candidates)
    highest = std::max(highest, candidate.load.requests);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t count = candidates[i].load.requests;
    scores[i] =
        count == 0 ? 1.0 : static_cast<double>(highest - count) / static_cast<double>(highest);
  }
}

}  // namespace nacelle::router
