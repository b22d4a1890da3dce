#include "router/filter/serving/serving.h"

#include <algorithm>

namespace nacelle::router {

void ServingFilter::filter(const PickContext& context, std::vector<Candidate>& candidates) const {
  const auto& tried = context.request.excluded;
  std::erase_if(candidates, [&](const Candidate& candidate) {
    return std::find(tried.begin(), tried.end(), candidate.endpoint->id) != tried.end();
  });
  const auto serving = [](const Candidate& candidate) { return candidate.endpoint->serving; };
  if (std::none_of(candidates.begin(), candidates.end(), serving)) return;
  std::erase_if(candidates, [&](const Candidate& candidate) { return !serving(candidate); });
}

}  // namespace nacelle::router
