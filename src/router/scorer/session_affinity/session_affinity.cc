#include "router/scorer/session_affinity/session_affinity.h"

namespace nacelle::router {

std::shared_ptr<Plugin> SessionAffinityScorer::make(Fields& fields, BuildContext& context) {
  SessionBindingOptions options = read_session_binding(fields, context);
  return std::make_shared<SessionAffinityScorer>(std::move(options),
                                                 context.add_column("session's endpoint"));
}

void SessionAffinityScorer::score(const PickContext& context, const Candidates& candidates,
                                  std::span<double> scores) const {
  const auto wanted = bound(context);
  if (!wanted) return;
  for (std::size_t i = 0; i < candidates.size(); ++i) scores[i] = candidates[i] == *wanted;
}

}  // namespace nacelle::router
