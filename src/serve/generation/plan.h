// plan.h: what one generation request will run: its prompts as tokens and its resolved parameters.
//
// Home:    built on the work pool, then owned by the handler.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/token.h"
#include "engine/request.h"
#include "openai/request_fields.h"

namespace nacelle::serve {

struct PlannedPrompt {
  std::vector<TokenId> tokens;
  std::string text;  // "" for a prompt given as ids, unless echo needs it
  engine::SamplingParams params;
};

struct GenerationPlan {
  std::vector<PlannedPrompt> prompts;
  std::int64_t choices_per_prompt = 1;

  [[nodiscard]] std::size_t num_choices() const {
    return prompts.size() * static_cast<std::size_t>(choices_per_prompt);
  }
  [[nodiscard]] const PlannedPrompt& prompt_of(std::size_t choice) const {
    return prompts[choice / static_cast<std::size_t>(choices_per_prompt)];
  }
  [[nodiscard]] std::int64_t num_prompt_tokens() const;

  // One engine request per choice: choice = prompt * choices_per_prompt + k.
  [[nodiscard]] std::vector<engine::Request> engine_requests(const openai::RequestFields& fields,
                                                             TimePoint arrival) const;
};

}  // namespace nacelle::serve
