// length_rules.h: whether a prompt and the output asked for fit the model's context.
//
// Home:    pure.
// Source:  engine.md section 4 (wording) and section 13 (truncation).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/token.h"
#include "openai/error.h"
#include "openai/sampling_fields.h"

namespace nacelle::serve {

enum class TruncationSide { kLeft, kRight };

// Errors that need no prompt: max_tokens or truncate_prompt_tokens beyond the context.
[[nodiscard]] openai::Check check_requested_lengths(const openai::SamplingFields& fields,
                                                    std::int64_t max_model_len);

// Applies truncate_prompt_tokens. `side` is the end that is cut off.
void truncate_prompt(std::vector<TokenId>& prompt, const openai::SamplingFields& fields,
                     std::int64_t max_model_len, TruncationSide side);

// At least one token in, room for at least one out, and room for all that was asked for.
[[nodiscard]] openai::Check check_lengths(std::int64_t num_prompt_tokens,
                                          const openai::SamplingFields& fields,
                                          std::int64_t max_model_len);

// The same error for a text so long that its tokens need not be counted.
[[nodiscard]] openai::Error prompt_too_long_by_text(std::int64_t at_least_tokens,
                                                    const openai::SamplingFields& fields,
                                                    std::int64_t max_model_len);

}  // namespace nacelle::serve
