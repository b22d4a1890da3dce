// speculative_options.h: the JSON of --speculative-config.
//
// {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_min": 2, "prompt_lookup_max": 4}.
// Other methods need a second model and are refused.
//
// Errors:  invalid_argument naming the key, its value and what is accepted.
// Source:  engine.md section 26.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace nacelle::apps {

// Keys of vLLM that have no effect here are named in `warnings`.
[[nodiscard]] Result<engine::SpeculativeOptions> read_speculative_config(
    const nlohmann::json& json, std::vector<std::string>& warnings);

}  // namespace nacelle::apps
