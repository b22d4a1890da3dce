#include "serve/prompt/completion_plan.h"

#include "serve/prompt/length_rules.h"
#include "serve/prompt/prompt_tokens.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve {
namespace {

openai::Parsed<PlannedPrompt> plan_prompt(const ServerState& state,
                                          const openai::CompletionRequest& request,
                                          const openai::SamplingFields& sampling,
                                          const openai::Prompt& prompt) {
  const auto* text = std::get_if<std::string>(&prompt);
  auto tokens = text != nullptr
                    ? tokenize_prompt(state, *text, request.add_special_tokens, sampling)
                    : check_token_ids(state, std::get<std::vector<std::int64_t>>(prompt), "prompt");
  if (!tokens) return tokens.error();
  auto planned = finish_prompt(state, std::move(tokens).value(), sampling, request.logprobs);
  if (!planned || !request.common.echo) return planned;
  planned->text = text != nullptr ? *text
                                  : state.parts.tokenizer->decode(planned->tokens,
                                                                  {.skip_special_tokens = false});
  return planned;
}

}  // namespace

openai::Parsed<GenerationPlan> plan_completion(const ServerState& state,
                                               const openai::CompletionRequest& request) {
  openai::SamplingFields sampling = request.sampling;
  // An echoed prompt shows the logprobs that were asked for of the output.
  if (request.common.echo && !sampling.prompt_logprobs) sampling.prompt_logprobs = request.logprobs;
  const auto limit = static_cast<std::int64_t>(state.config.max_model_len);
  if (openai::Check bad = check_requested_lengths(sampling, limit)) return *bad;

  GenerationPlan plan{.prompts = {}, .choices_per_prompt = sampling.n};
  plan.prompts.reserve(request.prompts.size());
  for (const openai::Prompt& prompt : request.prompts) {
    auto planned = plan_prompt(state, request, sampling, prompt);
    if (!planned) return planned.error();
    plan.prompts.push_back(std::move(planned).value());
  }
  if (openai::Check bad = check_total_tokens(state, plan)) return *bad;
  return plan;
}

}  // namespace nacelle::serve
