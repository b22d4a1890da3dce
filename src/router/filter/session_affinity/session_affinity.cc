#include "router/filter/session_affinity/session_affinity.h"

namespace nacelle::router {

std::shared_ptr<Plugin> SessionAffinityFilter::make(Fields& fields, BuildContext& context) {
  SessionBindingOptions options = read_session_binding(fields, context);
  return std::make_shared<SessionAffinityFilter>(std::move(options),
                                                 context.add_column("session's endpoint"));
}

void SessionAffinityFilter::filter(const PickContext& context, Candidates& candidates) const {
  const auto wanted = bound(context);
  if (!wanted) return;
  candidates.keep_if_any([&](std::uint32_t position) { return position == *wanted; });
}

}  // namespace nacelle::router
