// resolve.h: priority, flow and model of a request, in the order the router's pipeline asks.
//
// Home:    pure; any thread.
// Errors:  invalid_argument "model not found in request body" (HTTP 400).
// Source:  router.md section 4, steps 2 to 5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "router/objective/objective_table.h"
#include "router/objective/request_facts.h"

namespace nacelle::router::objective {

enum class ModelNeeded { kYes, kNo };  // kNo: raw payloads and APIs without a model

struct ResolvedModel {
  std::string incoming;
  std::string target;   // what the engine is asked for; equal to incoming when nothing rewrites
  std::string rewrite;  // name of the InferenceModelRewrite that decided, or ""
};

// A rewrite rule wins over the header, the header over the body.
[[nodiscard]] Result<ResolvedModel> resolve_model(const ObjectiveTable& table,
                                                  std::string_view incoming,
                                                  const RequestFacts& facts, std::uint64_t random,
                                                  ModelNeeded needed = ModelNeeded::kYes);

}  // namespace nacelle::router::objective
