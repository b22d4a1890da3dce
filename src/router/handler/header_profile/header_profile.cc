#include "router/handler/header_profile/header_profile.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> HeaderProfileHandler::make(Fields& fields, BuildContext& context) {
  std::string header = "EPP-Profile", fallback = "decode";
  fields.text("headerName", header);
  fields.text("defaultProfile", fallback);
  if (!context.profile(fallback)) {
    fields.problem("defaultProfile", fmt::format("there is no profile '{}'", fallback));
  }
  std::transform(header.begin(), header.end(), header.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  context.reads_header(header);
  return std::make_shared<HeaderProfileHandler>(std::move(header), std::move(fallback),
                                                context.profiles());
}

std::string_view HeaderProfileHandler::wanted(const PickContext& context) const {
  const std::string_view name = context.request.header(header_);
  return name.empty() ? std::string_view(fallback_) : name;
}

std::optional<std::uint32_t> HeaderProfileHandler::profile(const PickContext& context) const {
  const auto found = std::find(profiles_.begin(), profiles_.end(), wanted(context));
  if (found == profiles_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - profiles_.begin());
}

std::optional<std::uint32_t> HeaderProfileHandler::next(const PickContext& context) const {
  const auto named = profile(context);
  if (!named || context.decision.results[*named].state != ProfileResult::State::kNotRun) {
    return std::nullopt;
  }
  return named;
}

void HeaderProfileHandler::finish(const PickContext& context, Decision& decision) const {
  const auto named = profile(context);
  if (!named) {
    return decision.refuse(invalid_argument("{} names no scheduling profile: '{}'", header_,
                                            wanted(context).substr(0, 100)),
                           400);
  }
  decision.primary = *named;
}

}  // namespace nacelle::router
