// request_check.h: refuses requests that the engine could not run to their end.
//
// The server has validated what clients may say; this holds the line for every caller, so that no
// request can index outside the vocabulary or wait for blocks that do not exist.
//
// Errors:  invalid_argument or out_of_range, naming the value and the limit.
#pragma once

#include "base/status.h"
#include "engine/engine.h"

namespace nacelle::engine {

[[nodiscard]] Status check_request(const Request& request, const EngineConfig& config,
                                   std::uint32_t vocab_size);

// Rows of logits that a step may ask of the model.
[[nodiscard]] std::uint64_t max_logit_rows(const EngineConfig& config);

// Of the configuration itself.
[[nodiscard]] Status check_config(const EngineConfig& config, std::uint32_t vocab_size);

}  // namespace nacelle::engine
