// completion_plan.h: from a completion request to token ids and parameters.
//
// Home:    the work pool: tokenising may take long. Touches nothing but its arguments.
#pragma once

#include "openai/completion_request.h"
#include "serve/generation/plan.h"
#include "serve/server_state.h"

namespace nacelle::serve {

[[nodiscard]] openai::Parsed<GenerationPlan> plan_completion(
    const ServerState& state, const openai::CompletionRequest& request);

}  // namespace nacelle::serve
