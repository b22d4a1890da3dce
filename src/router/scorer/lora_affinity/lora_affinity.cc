#include "router/scorer/lora_affinity/lora_affinity.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> LoraAffinityScorer::make(Fields&, BuildContext&) {
  return std::make_shared<LoraAffinityScorer>();
}

void LoraAffinityScorer::score(const PickContext& context, const Candidates& candidates,
                               std::span<double> scores) const {
  const std::string_view model = context.request.model;
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), model) != names.end();
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const LoraState* lora = context.endpoint(candidates[i]).lora.get();
    if (lora == nullptr) continue;
    if (has(lora->active)) {
      scores[i] = 1.0;
    } else if (lora->active.size() + lora->waiting.size() < lora->max_active) {
      scores[i] = 0.8;
    } else if (has(lora->waiting)) {
      scores[i] = 0.6;
    }
  }
}

}  // namespace nacelle::router
