#include "router/scorer/running_requests/running_requests.h"

#include "router/scorer/queue/queue.h"

namespace nacelle::router {

std::shared_ptr<Plugin> RunningRequestsScorer::make(Fields&, BuildContext&) {
  return std::make_shared<RunningRequestsScorer>();
}

void RunningRequestsScorer::score(const PickContext& context, const Candidates& candidates,
                                  std::span<double> scores) const {
  for (std::size_t i = 0; i < candidates.size(); ++i) scores[i] = context.running(candidates[i]);
  fewer_is_better(scores);
}

}  // namespace nacelle::router
