// objective_documents.h: InferenceObjective and InferenceModelRewrite objects from YAML (or JSON)
// documents, as kubectl would apply them.
//
// Both API groups are read; an object that exists in both is taken from llm-d.ai. Documents of
// other kinds are skipped and unknown fields pruned, as an API server does.
//
// Home:    pure; any thread.
// Errors:  invalid_argument listing every problem as "document 2, spec.rules[0].targets[1].weight:
//          0 is outside 1 to 1000000".
#pragma once

#include <string_view>

#include "base/result.h"
#include "router/objective/inference_objective.h"

namespace nacelle::router::objective {

[[nodiscard]] Result<ObjectiveSet> parse_objective_documents(std::string_view text);

}  // namespace nacelle::router::objective
