#include "router/picker/weighted_random/weighted_random.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "router/picker/max_score/max_score.h"

namespace nacelle::router {

std::shared_ptr<Plugin> WeightedRandomPicker::make(Fields& fields, BuildContext&) {
  return std::make_shared<WeightedRandomPicker>(read_max_endpoints(fields));
}

void WeightedRandomPicker::pick(const PickContext& context, const Candidates& candidates,
                                std::span<const double> totals,
                                std::vector<Target>& targets) const {
  const bool uniform = std::none_of(totals.begin(), totals.end(), [](double t) { return t > 0; });
  // log(U) / score orders as U^(1/score) does and does not underflow. Kept sorted, best first.
  std::vector<std::pair<double, std::size_t>> best;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    const double u = std::log(context.random.unit() + 0x1.0p-54);
    const double key = uniform         ? u
                       : totals[i] > 0 ? u / totals[i]
                                       : -std::numeric_limits<double>::infinity();
    if (best.size() == max_endpoints_ && key <= best.back().first) continue;
    if (best.size() == max_endpoints_) best.pop_back();
    const auto at = std::upper_bound(best.begin(), best.end(), key,
                                     [](double k, const auto& held) { return k > held.first; });
    best.insert(at, {key, i});
  }
  for (const auto& [key, i] : best) targets.push_back({candidates[i], totals[i]});
}

}  // namespace nacelle::router
