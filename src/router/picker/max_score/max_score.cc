#include "router/picker/max_score/max_score.h"

#include <algorithm>
#include <limits>

namespace nacelle::router {

std::uint32_t read_max_endpoints(Fields& fields) {
  std::int64_t count = 1;
  fields.count("maxNumOfEndpoints", count, INT32_MIN, INT32_MAX);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(count, 1));
}

std::shared_ptr<Plugin> MaxScorePicker::make(Fields& fields, BuildContext&) {
  return std::make_shared<MaxScorePicker>(read_max_endpoints(fields));
}

void MaxScorePicker::pick(const PickContext& context, const Candidates& candidates,
                          std::span<const double> totals, std::vector<Target>& targets) const {
  const std::size_t wanted = std::min<std::size_t>(max_endpoints_, candidates.size());
  double below = std::numeric_limits<double>::infinity();
  // Level by level from the best score down; within a level in random order. One or two passes for
  // the usual single endpoint, without sorting the others.
  while (targets.size() < wanted) {
    double best = -std::numeric_limits<double>::infinity();
    std::size_t ties = 0;
    for (const double total : totals) {
      if (total >= below || total < best) continue;
      ties = total > best ? 1 : ties + 1;
      best = total;
    }
    const std::size_t first = targets.size();
    const std::size_t take = std::min(ties, wanted - first);
    // Draws `take` of `ties` without repetition: selection by ordinal, one pass per draw.
    for (std::size_t drawn = 0; drawn < take; ++drawn) {
      std::size_t skip = context.random.below(ties - drawn);
      for (std::size_t i = 0;; ++i) {
        if (totals[i] != best) continue;
        const bool taken =
            std::any_of(targets.begin() + static_cast<std::ptrdiff_t>(first), targets.end(),
                        [&](const Target& target) { return target.position == candidates[i]; });
        if (taken || skip-- > 0) continue;
        targets.push_back({candidates[i], best});
        break;
      }
    }
    below = best;
  }
}

}  // namespace nacelle::router
