#include "router/objective/resolve.h"

namespace nacelle::router::objective {

Result<ResolvedModel> resolve_model(const ObjectiveTable& table, std::string_view incoming,
                                    const RequestFacts& facts, std::uint64_t random,
                                    ModelNeeded needed) {
  ResolvedModel out;
  out.incoming = incoming;
  if (const auto rewrite = table.rewrite_of(incoming, random)) {
    out.target = rewrite->target;
    out.rewrite = rewrite->rewrite;
  } else {
    out.target = facts.model_rewrite;
  }
  if (out.target.empty()) out.target = incoming;
  if (out.target.empty() && needed == ModelNeeded::kYes) {
    return invalid_argument("model not found in request body");
  }
  return out;
}

}  // namespace nacelle::router::objective
