#include "router/picker/round_robin/round_robin.h"

namespace nacelle::router {

std::shared_ptr<Plugin> RoundRobinPicker::make(Fields&, BuildContext& context) {
  return std::make_shared<RoundRobinPicker>(context.add_column("next in turn"));
}

void RoundRobinPicker::pick(const PickContext& context, const Candidates& candidates,
                            std::span<const double> totals, std::vector<Target>& targets) const {
  const Column& turn = context.input.columns[column_];
  const double next = turn.empty() ? 0 : turn[0];
  std::size_t lowest = 0, following = candidates.size();
  const auto id = [&](std::size_t i) { return context.endpoint(candidates[i]).id.value; };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (id(i) < id(lowest)) lowest = i;
    if (id(i) >= next && (following == candidates.size() || id(i) < id(following))) following = i;
  }
  const std::size_t picked = following == candidates.size() ? lowest : following;
  targets.push_back({candidates[picked], totals[picked]});
}

void RoundRobinPicker::produce(DecisionInput& input) {
  input.columns[column_].assign(1, static_cast<double>(next_));
}

void RoundRobinPicker::committed(const DecisionInput& input, const Decision& decision) {
  next_ = std::uint64_t{input.pool->endpoint(decision.targets().front().position).id.value} + 1;
}

}  // namespace nacelle::router
