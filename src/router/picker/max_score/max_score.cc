#include "router/picker/max_score/max_score.h"

namespace nacelle::router {

std::size_t MaxScorePicker::pick(const PickContext& context,
                                 std::span<const Candidate> candidates) {
  double best = candidates[0].score;
  std::size_t ties = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.score > best) {
      best = candidate.score;
      ties = 0;
    }
    ties += candidate.score == best;
  }
  std::size_t wanted = context.request.random % ties;
  for (std::size_t i = 0;; ++i) {
    if (candidates[i].score == best && wanted-- == 0) return i;
  }
}

}  // namespace nacelle::router
