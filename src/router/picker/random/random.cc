#include "router/picker/random/random.h"

#include <algorithm>

#include "router/picker/max_score/max_score.h"

namespace nacelle::router {

std::shared_ptr<Plugin> RandomPicker::make(Fields& fields, BuildContext&) {
  return std::make_shared<RandomPicker>(read_max_endpoints(fields));
}

void RandomPicker::pick(const PickContext& context, const Candidates& candidates,
                        std::span<const double> totals, std::vector<Target>& targets) const {
  if (max_endpoints_ == 1) {
    const std::size_t i = context.random.below(candidates.size());
    targets.push_back({candidates[i], totals[i]});
    return;
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) targets.push_back({candidates[i], totals[i]});
  const std::size_t wanted = std::min<std::size_t>(max_endpoints_, targets.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(targets[i], targets[i + context.random.below(targets.size() - i)]);
  }
  targets.resize(wanted);
}

}  // namespace nacelle::router
