#include "serve/generation/plan.h"

#include "serve/sampling.h"

namespace nacelle::serve {

std::int64_t GenerationPlan::num_prompt_tokens() const {
  std::int64_t count = 0;
  for (const PlannedPrompt& prompt : prompts) {
    count += static_cast<std::int64_t>(prompt.tokens.size());
  }
  return count;
}

std::vector<engine::Request> GenerationPlan::engine_requests(const openai::RequestFields& fields,
                                                             TimePoint arrival) const {
  std::vector<engine::Request> out;
  out.reserve(num_choices());
  for (const PlannedPrompt& prompt : prompts) {
    for (std::int64_t k = 0; k < choices_per_prompt; ++k) {
      out.push_back({.prompt = prompt.tokens,
                     .params = params_of_choice(prompt.params, k),
                     .priority = fields.priority,
                     .cache_salt = fields.cache_salt.value_or(""),
                     .arrival = arrival});
    }
  }
  return out;
}

}  // namespace nacelle::serve
