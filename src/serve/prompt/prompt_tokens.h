// prompt_tokens.h: a prompt's tokens, within the limits of the model and of one request.
//
// Home:    the work pool.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "openai/error.h"
#include "openai/sampling_fields.h"
#include "serve/generation/plan.h"
#include "serve/server_state.h"

namespace nacelle::serve {

// Refuses a text that must have more tokens than the model takes without counting them.
[[nodiscard]] openai::Parsed<std::vector<TokenId>> tokenize_prompt(
    const ServerState& state, std::string_view text, bool add_special_tokens,
    const openai::SamplingFields& fields);

// 400 for ids outside the vocabulary; `param` is the field that holds them.
[[nodiscard]] openai::Parsed<std::vector<TokenId>> check_token_ids(
    const ServerState& state, const std::vector<std::int64_t>& ids, std::string_view param);

// Truncates, checks the length, resolves the parameters.
[[nodiscard]] openai::Parsed<PlannedPrompt> finish_prompt(const ServerState& state,
                                                          std::vector<TokenId> tokens,
                                                          const openai::SamplingFields& fields,
                                                          std::optional<std::int64_t> logprobs);

// Every choice holds a copy of its prompt: their sum is bounded.
[[nodiscard]] openai::Check check_total_tokens(const ServerState& state,
                                               const GenerationPlan& plan);

}  // namespace nacelle::serve
