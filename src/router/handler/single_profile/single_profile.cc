#include "router/handler/single_profile/single_profile.h"

namespace nacelle::router {

std::shared_ptr<Plugin> SingleProfileHandler::make(Fields& fields, BuildContext& context) {
  if (context.profiles().size() > 1) {
    fields.problem("", fmt::format("there are {} profiles; this handler runs only one",
                                   context.profiles().size()));
  }
  return std::make_shared<SingleProfileHandler>();
}

std::optional<std::uint32_t> SingleProfileHandler::next(const PickContext& context) const {
  if (context.decision.results[0].state != ProfileResult::State::kNotRun) return std::nullopt;
  return 0;
}

void SingleProfileHandler::finish(const PickContext&, Decision& decision) const {
  decision.primary = 0;
}

}  // namespace nacelle::router
